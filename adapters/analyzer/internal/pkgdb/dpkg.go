package pkgdb

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// fieldLine begins a field of a control file:
// https://www.debian.org/doc/debian-policy/ch-controlfields.html.
var fieldLine = regexp.MustCompile(`^[^\s:]+:`)

// checkStatus checks the list of packages that dpkg keeps. Where dpkg maintains
// it, there is a list of files for each package beside it, and dpkg would refuse a
// line that is not a field. Tools that only write such a list are less strict.
func checkStatus(f File) (int, error) {
	lists, err := f.Find(literal(path.Join(path.Dir(f.Path), "info")) + "/*.list")
	if err != nil {
		return 0, err
	}
	read := stanzas{File: f, strict: len(lists) > 0, lines: newLines(f.Content)}
	if err := read.all(); err != nil {
		return 0, err
	}
	if read.number > 0 && !read.blank {
		// dpkg ends the list with an empty line; people who add to it may not.
		if name := read.missing(lists); name != "" {
			return 0, f.damaged("it ends after line %d, without package %s, whose files are listed beside it", read.number, name)
		}
	}
	return len(read.packages), nil
}

// checkControl checks the files of a database with one for each package. The folder
// of distroless images has other files too, which describe no package.
func checkControl(f File) (int, error) {
	if ext := path.Ext(f.Path); path.Base(path.Dir(f.Path)) == "status.d" && notControl[ext] {
		return 0, nil
	}
	read := stanzas{File: f, lines: newLines(f.Content), open: true}
	if err := read.all(); err != nil {
		return 0, err
	}
	if len(read.packages) == 0 && !read.absent {
		return 0, f.damaged("it describes no package")
	}
	return len(read.packages), nil
}

// notControl are files that tools put beside the control file of a package.
var notControl = map[string]bool{".md5sums": true, ".list": true, ".conffiles": true, ".preinst": true, ".postinst": true, ".prerm": true,
	".postrm": true, ".triggers": true, ".shlibs": true, ".symbols": true, ".templates": true, ".config": true}

// stanzas reads paragraphs, one for each package.
type stanzas struct {
	File
	*lines
	strict   bool               // every line has to be a field
	open     bool               // the last line needs no end
	packages map[[3]string]bool // installed: name, version, architecture
	names    map[string]bool    // listed, whatever their state
	absent   bool               // there are packages that are not installed
	fields   map[string]string  // of the current paragraph
}

func (s *stanzas) all() error {
	s.packages, s.names, s.fields = map[[3]string]bool{}, map[string]bool{}, map[string]string{}
	for s.next() {
		if err := s.line(); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.failed(s.err)
	}
	if s.cut && !s.open {
		return s.damaged("it ends in the middle of line %d", s.number)
	}
	return s.end()
}

func (s *stanzas) line() error {
	switch {
	case s.blank:
		return s.end()
	case s.binary():
		return s.damaged("line %d holds bytes that are not text", s.number)
	case s.text[0] == ' ' || s.text[0] == '\t':
		if s.strict && len(s.fields) == 0 {
			return s.damaged("line %d continues a field, and there is none: %s", s.number, s.quote())
		}
	case fieldLine.MatchString(s.text):
		name, value, _ := strings.Cut(s.text, ":")
		s.fields[strings.ToLower(name)] = strings.TrimSpace(value)
	case s.strict:
		return s.damaged("line %d is not a field: %s", s.number, s.quote())
	}
	if len(s.fields) == 0 {
		s.fields[""] = s.text // a paragraph of something else
	}
	return nil
}

// end concludes a paragraph.
func (s *stanzas) end() error {
	fields := s.fields
	if len(fields) == 0 {
		return nil
	}
	s.fields = map[string]string{}
	name := fields["package"]
	if name == "" {
		return s.damaged("the paragraph before line %d names no package", s.number+1)
	}
	s.names[name] = true
	if state := fields["status"]; strings.Contains(state, "deinstall") || strings.HasSuffix(state, "not-installed") {
		s.absent = true
		return nil
	}
	if fields["version"] == "" {
		return s.damaged("package %s has no version (before line %d)", name, s.number+1)
	}
	s.packages[[3]string{name, fields["version"], fields["architecture"]}] = true
	return nil
}

// missing is a package that has a list of files and is not among the packages;
// "" if there is none.
func (s *stanzas) missing(lists map[string]int64) string {
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(list), ".list"), ":")
		if !s.names[name] {
			return name
		}
	}
	return ""
}
