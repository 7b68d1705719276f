package lab

import (
	"cmp"
	"fmt"
)

// Gem is an installed Ruby gem.
type Gem struct {
	Name    string
	Version string
	License string // MIT when empty
}

// Ruby is a bundle with these gems.
func Ruby(gems ...Gem) Part {
	return func(r *recipe) error {
		var files []File
		for _, g := range gems {
			path := fmt.Sprintf("/usr/local/bundle/specifications/%s-%s.gemspec", g.Name, g.Version)
			files = append(files, Text(path, g.specification()))
		}
		return r.add(instruction{verb: "RUN", arguments: "bundle install"}, files...)
	}
}

// specification is what RubyGems writes for an installed gem. See
// https://guides.rubygems.org/specification-reference/.
func (g Gem) specification() string {
	return fmt.Sprintf(`# -*- encoding: utf-8 -*-
# stub: %[1]s %[2]s ruby lib

Gem::Specification.new do |s|
  s.name = "%[1]s".freeze
  s.version = "%[2]s"

  s.require_paths = ["lib".freeze]
  s.authors = ["The authors of %[1]s".freeze]
  s.date = "2024-02-01"
  s.homepage = "https://rubygems.org/gems/%[1]s".freeze
  s.licenses = ["%[3]s".freeze]
  s.summary = "%[1]s".freeze
end
`, g.Name, g.Version, cmp.Or(g.License, "MIT"))
}
