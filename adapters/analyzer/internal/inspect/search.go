package inspect

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// search is what to search the content of files for.
type search struct {
	content         Content
	secrets, search []*expression
	folded          []byte // of the file at hand
}

// CheckContent reports whether all expressions can be read.
func CheckContent(content Content) error {
	_, err := newSearch(content)
	return err
}

func newSearch(content Content) (*search, error) {
	s := &search{content: content}
	for _, each := range []struct {
		texts    []string
		compiled *[]*expression
	}{{content.Secrets, &s.secrets}, {content.Search, &s.search}} {
		for _, text := range each.texts {
			compiled, err := compile(text)
			if err != nil {
				return nil, err
			}
			*each.compiled = append(*each.compiled, compiled)
		}
	}
	return s, nil
}

// memory is the largest size at which a file has to be read into memory.
func (s *search) memory(path string) int64 {
	limit := int64(-1)
	if len(s.secrets) > 0 {
		limit = max(limit, s.content.SecretMaxBytes)
	}
	if len(s.search) > 0 {
		limit = max(limit, s.content.SearchMaxBytes)
	}
	if slices.Contains(s.content.Retrieve, path) {
		limit = max(limit, s.content.RetrieveMaxBytes)
	}
	return limit
}

func (s *search) retrieves(file *sbom.File) bool {
	return file.Size <= s.content.RetrieveMaxBytes && slices.Contains(s.content.Retrieve, file.Path)
}

// find applies the expressions to a file's content.
func (s *search) find(content []byte) (found fileHits, err error) {
	s.fold(content)
	folded := s.folded
	size := int64(len(content))
	if size <= s.content.SecretMaxBytes {
		if found.secrets, err = findAll(s.secrets, content, folded); err != nil {
			return found, err
		}
	}
	if size <= s.content.SearchMaxBytes {
		found.search, err = findAll(s.search, content, folded)
	}
	return found, err
}

// fold copies the content with ASCII letters in lower case, for the search of the
// expressions' literals. Lower-casing as UTF-8 would be slow for binary content.
func (s *search) fold(content []byte) {
	s.folded = append(s.folded[:0], content...)
	for i, b := range s.folded {
		if 'A' <= b && b <= 'Z' {
			s.folded[i] = b + ('a' - 'A')
		}
	}
}

func findAll(expressions []*expression, content, folded []byte) (hits []sbom.Hit, err error) {
	for _, each := range expressions {
		lines, err := each.lines(content, folded)
		if err != nil {
			return nil, err
		}
		if len(lines) > 0 {
			hits = append(hits, sbom.Hit{Expression: each.text, Lines: lines})
		}
	}
	return hits, nil
}
