package sources

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/starter/session"
)

// TestNotesAreShown: a reference that is watched by what another place says, and how many
// references a plan leaves out.
func TestNotesAreShown(t *testing.T) {
	t.Parallel()
	noted, skipped := source.Refer("app:1", "list:2", image.Platform{}), source.Refer("app:${TAG}", "list:3", image.Platform{})
	noted.Note = "the labels at list:1 decide"
	plan := source.Plan{Source: source.Source{Name: "shop"}, Tags: 1, References: 9, NotFollowed: 8, Found: []source.Found{noted, skipped}, Omitted: 7}
	var people, said bytes.Buffer
	writePlan(&session.Session{Progress: &said, Shown: func() {}}, &people, plan)
	writeFound(&people, plan.Found, []string{"docker.io/app:1", ""})
	writeFound(&people, plan.Found[:1], []string{""})
	for _, line := range []string{
		`app:1 +list:2 +yes +the labels at list:1 decide`,
		`app:\$\{TAG\} +list:3 +no +variable without a value: TAG`,
		`7 references more, .*: tagwatch source show shop`,
		`app:1 +list:2 +docker.io/app:1 +the labels at list:1 decide`,
		`app:1 +list:2 +no +unsubscribed, or not started yet`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(people.String()) {
			t.Errorf("lacks %q:\n%s", line, people.String())
		}
	}
	plan.Omitted = 0
	people.Reset()
	writePlan(&session.Session{Progress: &said, Shown: func() {}}, &people, plan)
	if strings.Contains(people.String(), " more") {
		t.Errorf("nothing is left out:\n%s", people.String())
	}
}
