package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// Scope limits the notifications of an endpoint to some subjects. The zero value takes all.
// EventLog is not limited: it is about Tagwatch itself.
type Scope struct {
	// Subjects are patterns of registry/repository or registry/repository:tag,
	// one of which must match; * stands for any characters, slashes included. A pattern
	// without a tag matches all tags. Notifications about a repository as a whole match
	// by the part before the tag.
	Subjects []string `json:"subjects,omitempty"`
	// Labels are those that the subscription must have, all of them.
	Labels map[string]string `json:"labels,omitempty"`
}

// Excludes is why a notification about the subject, to a subscription with those
// labels, is outside the scope; "" for one within.
func (s Scope) Excludes(t notification.Type, subject string, labels map[string]string) notification.Reason {
	if t == notification.EventLog {
		return ""
	}
	for name, value := range s.Labels {
		if given, found := labels[name]; !found || given != value {
			return notification.OtherLabels
		}
	}
	if len(s.Subjects) > 0 && !slices.ContainsFunc(s.Subjects, func(pattern string) bool { return fits(pattern, subject) }) {
		return notification.OtherSubject
	}
	return ""
}

// fits compares a subject, which may end in @platform, with a pattern.
func fits(pattern, subject string) bool {
	subject, _, _ = strings.Cut(subject, "@")
	repository, tag := splitTag(subject)
	wantRepository, wantTag := splitTag(pattern)
	return like(wantRepository, repository) && (wantTag == "" || tag == "" || like(wantTag, tag))
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

func (s Scope) validate() []error {
	var problems []error
	for _, pattern := range s.Subjects {
		repository, _ := splitTag(pattern)
		if !strings.Contains(repository, "/") && !strings.HasPrefix(repository, "*") || strings.ContainsAny(pattern, "@, \t\r\n") {
			problems = append(problems, fmt.Errorf("no tag can match the subject pattern %q; use registry/repository or registry/repository:tag, with * for any characters, as in docker.io/library/*:1.*", pattern))
		}
	}
	return append(problems, ValidateLabels(s.Labels))
}

// ValidateLabels rejects names and values that are not short words.
func ValidateLabels(labels map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if !namePattern.MatchString(name) || !namePattern.MatchString(labels[name]) {
			return errors.New("the name and the value of a label must have 1 to 63 letters, digits, '.', '_' and '-', and begin with a letter or digit, as in team=payments")
		}
	}
	return nil
}
