package event

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
)

func TestRipe(t *testing.T) {
	t.Parallel()
	oldest := time.Unix(1000, 0)
	tests := []struct {
		name    string
		pace    Pace
		waiting int
		after   time.Duration
		want    bool
	}{
		{"no digest", Pace{Budget: 1}, 1, 0, true},
		{"collecting", Pace{Digest: time.Minute}, 9, 59 * time.Second, false},
		{"the interval is over", Pace{Digest: time.Minute}, 1, time.Minute, true},
		{"enough wait", Pace{Digest: time.Minute, DigestCount: 3}, 3, 0, true},
		{"too few wait", Pace{Digest: time.Minute, DigestCount: 3}, 2, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, at := test.pace.Ripe(oldest, test.waiting, oldest.Add(test.after))
			if got != test.want || !got && !at.Equal(oldest.Add(test.pace.Digest)) {
				t.Errorf("ripe %v, at %v", got, at)
			}
		})
	}
}

// However many there are, each is in exactly one message, which lists it.
func TestCombineListsEverything(t *testing.T) {
	t.Parallel()
	var all []Notification
	for n := range 300 {
		sample, err := Sample(VulnUpdate, fmt.Sprintf("id-%03d", n), "admin", time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		sample.Cause = []Cause{CauseFeed, CauseTime}[n%2]
		sample.Summary = fmt.Sprintf("registry.example.com/team/app:%03d: 1 added", n)
		all = append(all, sample)
	}
	for _, format := range Formats {
		e := Endpoint{Format: format}
		if format == FormatTemplate {
			e.Template = `{{range .Notifications}}{{.Summary}} {{end}}`
		}
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			var ids []string
			for _, group := range Combine(e, all) {
				body, err := RenderGroup(e, NewGroup(group), Delivery{}, Account{Name: "admin"})
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range group {
					ids = append(ids, n.ID)
					if n.Cause != group[0].Cause {
						t.Errorf("%s is told with others of another cause", n.ID)
					}
					if !bytes.Contains(body.Content, []byte(n.ID)) && !bytes.Contains(body.Content, []byte(n.Summary)) {
						t.Errorf("%s is not listed", n.ID)
					}
				}
			}
			slices.Sort(ids)
			if len(slices.Compact(ids)) != len(all) || len(ids) != len(all) {
				t.Errorf("%d of %d are told", len(ids), len(all))
			}
		})
	}
}

func TestPaceRefuses(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]Pace{
		"a negative budget":             {Budget: -1},
		"an interval that never ends":   {Digest: 48 * time.Hour},
		"a count without an interval":   {DigestCount: 5},
		"a negative count":              {Digest: time.Minute, DigestCount: -1},
		"an interval that lies earlier": {Digest: -time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := Endpoint{Name: "chat", URL: "https://chat.example.com", Pace: pace}
			if err := e.Validate(); !errors.Is(err, fault.Invalid) {
				t.Errorf("validate: %v", err)
			}
		})
	}
}
