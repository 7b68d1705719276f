package image

import (
	"slices"
	"strings"
)

// Pattern is a pattern of tags as SubjectMatches has it, for what may be seen and
// changed: it selects a tag under any of its names, and a repository as a whole only with
// all its tags.
type Pattern string

// Includes reports whether the pattern selects the target. An image without a tag is part
// of a repository as a whole.
func (p Pattern) Includes(target Target) bool {
	return slices.ContainsFunc(target.Names(), func(name Target) bool {
		return SubjectMatches(string(p), name.Reference.String()) && (name.Reference.Tag != "" || p.whole())
	})
}

// IncludesRepository reports whether the pattern selects all tags of a repository.
func (p Pattern) IncludesRepository(repository Repository) bool {
	return p.whole() && slices.ContainsFunc(repository.Names(), func(name Repository) bool { return SubjectMatches(string(p), name.String()) })
}

// IncludesPattern reports whether the pattern selects all tags that another pattern
// matches: a * in the other pattern must be matched by a * of this one.
func (p Pattern) IncludesPattern(other string) bool {
	_, tag := splitTag(other)
	return SubjectMatches(string(p), other) && (tag != "" || p.whole())
}

// whole reports that the pattern does not choose between the tags of a repository.
func (p Pattern) whole() bool {
	_, tag := splitTag(string(p))
	return strings.Trim(tag, "*") == ""
}
