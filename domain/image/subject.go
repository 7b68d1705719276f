package image

import (
	"fmt"
	"strings"
)

// SubjectMatches compares a subject, as registry/repository:tag, with a pattern of
// registry/repository or registry/repository:tag; * stands for any characters, slashes
// included. A pattern without a tag matches all tags, and a subject that is a repository as a
// whole matches by the part before the tag. The platform of a subject does not matter.
func SubjectMatches(pattern, subject string) bool {
	subject, _, _ = strings.Cut(subject, "@")
	repository, tag := splitTag(subject)
	wantRepository, wantTag := splitTag(pattern)
	return like(wantRepository, repository) && (wantTag == "" || tag == "" || like(wantTag, tag))
}

// CheckSubjectPattern rejects a pattern that no tag can match.
func CheckSubjectPattern(pattern string) error {
	repository, _ := splitTag(pattern)
	if !strings.Contains(repository, "/") && !strings.HasPrefix(repository, "*") || strings.ContainsAny(pattern, "@, \t\r\n") {
		return fmt.Errorf("no tag can match the subject pattern %q; use registry/repository or registry/repository:tag, with * for any characters, as in docker.io/library/*:1.*", pattern)
	}
	return nil
}

// splitTag cuts the tag off; a colon before a slash belongs to a port.
func splitTag(name string) (repository, tag string) {
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// like compares a text with a pattern in which * stands for any characters.
func like(pattern, text string) bool {
	start, rest, open := strings.Cut(pattern, "*")
	text, found := strings.CutPrefix(text, start)
	if !open || !found {
		return found && text == ""
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], after
	}
}
