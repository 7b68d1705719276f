package lab

import (
	"cmp"
	"fmt"
	"path"
	"strings"
)

// PythonPackage is an installed Python distribution.
type PythonPackage struct {
	Name    string
	Version string
	License string // MIT when empty
}

// Python is an environment with these distributions, as pip installs them.
func Python(packages ...PythonPackage) Part {
	return func(r *recipe) error {
		var files []File
		for _, p := range packages {
			files = append(files, p.files("/usr/local/lib/python3.11/site-packages")...)
		}
		return r.add(instruction{verb: "RUN", arguments: "pip install -r requirements.txt"}, files...)
	}
}

// files are those of the distribution's metadata. See
// https://packaging.python.org/en/latest/specifications/recording-installed-packages/.
func (p PythonPackage) files(site string) []File {
	module := strings.ReplaceAll(p.Name, "-", "_")
	info := fmt.Sprintf("%s-%s.dist-info", module, p.Version)
	metadata := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: %[1]s\nLicense: %[3]s\nAuthor: The authors of %[1]s\n",
		p.Name, p.Version, cmp.Or(p.License, "MIT"))
	return []File{
		Text(path.Join(site, info, "METADATA"), metadata),
		Text(path.Join(site, info, "INSTALLER"), "pip\n"),
		Text(path.Join(site, info, "top_level.txt"), module+"\n"),
		Text(path.Join(site, info, "RECORD"), fmt.Sprintf("%s/__init__.py,,0\n%s/METADATA,,\n%[2]s/RECORD,,\n", module, info)),
		Text(path.Join(site, module, "__init__.py"), ""),
	}
}
