package endpoint

import (
	"errors"
	"maps"
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Scope limits the notifications of an endpoint to some subjects. The zero value takes all.
// EventLog is not limited: it is about Tagwatch itself.
type Scope struct {
	// Subjects are patterns as image.SubjectMatches has them, one of which must match.
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
	if len(s.Subjects) > 0 && !slices.ContainsFunc(s.Subjects, func(pattern string) bool { return image.SubjectMatches(pattern, subject) }) {
		return notification.OtherSubject
	}
	return ""
}

func (s Scope) validate() []error {
	var problems []error
	for _, pattern := range s.Subjects {
		problems = append(problems, image.CheckSubjectPattern(pattern))
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
