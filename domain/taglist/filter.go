package taglist

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Filter selects tags of a repository. The zero value selects all but those of
// signatures and the like. Globs take * for any run of characters, ? for one,
// [a-z] for one of a set; expressions are those of Go, and fit whole tags.
type Filter struct {
	// Include and Regex keep tags that fit one of either; none keeps all.
	Include []string `json:"include,omitempty"`
	// Regex may hold a group named version, which is then what the version is
	// read from.
	Regex []string `json:"regex,omitempty"`
	// Exclude and ExcludeRegex drop tags that fit one of either.
	Exclude      []string `json:"exclude,omitempty"`
	ExcludeRegex []string `json:"exclude_regex,omitempty"`

	// Versions keeps the versions within a range, as in >=1.25 <2, ~1.27 and ^1.
	Versions string `json:"versions,omitempty"`
	// Newest keeps that many of the newest versions, 0 for all.
	Newest int `json:"newest,omitempty"`
	// Suffixes are globs for what follows the version, as in alpine*; the empty
	// one is for nothing. None means the empty one alone.
	Suffixes []string `json:"suffixes,omitempty"`
	// Prereleases keeps prereleases, which are dropped otherwise.
	Prereleases bool `json:"prereleases,omitempty"`

	// Keep are globs for tags that are kept although they are not included or no
	// version that is wanted, as latest. Exclude still drops them.
	Keep []string `json:"keep,omitempty"`
	// Artifacts keeps the tags that hold signatures, attestations and SBOMs
	// (sha256-<hex>.sig, .att, .sbom, and the plain referrers form), which are
	// dropped otherwise.
	Artifacts bool `json:"artifacts,omitempty"`
}

// Versioned reports whether tags are judged by the version that they name.
func (f Filter) Versioned() bool {
	return f.Versions != "" || f.Newest > 0 || len(f.Suffixes) > 0 || f.Prereleases
}

// Validate refuses what can never select anything, or is not understood.
func (f Filter) Validate() error {
	_, err := f.compile()
	return err
}

// Select keeps the tags to watch, sorted and each once.
func (f Filter) Select(tags []string) ([]string, error) {
	judged, err := f.Judge(tags)
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, each := range judged {
		if each.Selected {
			kept = append(kept, each.Tag)
		}
	}
	return kept, nil
}

// selection is a filter that is ready to be used.
type selection struct {
	Filter
	regex, excludeRegex []*regexp.Regexp
	within              *versionRange // nil for any version
}

func (f Filter) compile() (s *selection, err error) {
	s = &selection{Filter: f}
	for _, pattern := range slices.Concat(f.Include, f.Exclude, f.Keep, f.Suffixes) {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("tag pattern %q: a set such as [a-z] is not closed, or the pattern ends with a backslash; write \\[ or \\\\ for the character itself: %w", pattern, errkind.Invalid)
		}
	}
	if s.regex, err = expressions(f.Regex); err != nil {
		return nil, err
	}
	if s.excludeRegex, err = expressions(f.ExcludeRegex); err != nil {
		return nil, err
	}
	if f.Newest < 0 {
		return nil, fmt.Errorf("the number of newest versions is %d; 0 stands for all: %w", f.Newest, errkind.Invalid)
	}
	if f.Versions != "" {
		s.within, err = parseRange(f.Versions)
	}
	return s, err
}

// expressions are anchored: they fit whole tags, as globs do.
func expressions(texts []string) ([]*regexp.Regexp, error) {
	var compiled []*regexp.Regexp
	for _, text := range texts {
		expression, err := regexp.Compile(`^(?:` + text + `)$`)
		if err != nil {
			return nil, fmt.Errorf("tag expression %q: %w; see https://pkg.go.dev/regexp/syntax: %w", text, err, errkind.Invalid)
		}
		compiled = append(compiled, expression)
	}
	return compiled, nil
}
