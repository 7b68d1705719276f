package event_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/event"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	lost := event.GivenUp{Count: 1, Last: noon}
	for _, test := range []struct {
		name  string
		state event.EndpointState
		lost  event.GivenUp
		want  event.Health
	}{
		{"nothing sent yet", event.EndpointState{}, event.GivenUp{}, event.HealthUntried},
		{"accepted", event.EndpointState{LastAnswer: "HTTP 200"}, event.GivenUp{}, event.HealthGood},
		{"accepts one and refused another", event.EndpointState{LastAnswer: "HTTP 200"}, lost, event.HealthGivingUp},
		{"fails", event.EndpointState{FailingSince: noon}, event.GivenUp{}, event.HealthFailing},
		{"fails and gave up", event.EndpointState{FailingSince: noon}, lost, event.HealthFailing},
		{"disabled", event.EndpointState{Disabled: true, FailingSince: noon}, lost, event.HealthDisabled},
	} {
		if got := test.state.Health(test.lost); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestEntryOf(t *testing.T) {
	t.Parallel()
	n, err := event.New(event.Heading{ID: "id", Created: noon}, event.Logged{Event: "system.endpoint.failing", At: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if got := event.EntryOf(n); got != "system.endpoint.failing" {
		t.Errorf("entry %q", got)
	}
	if got := event.EntryOf(sample(t, event.VulnUpdate)); got != "" {
		t.Errorf("a vuln_update is the entry %q", got)
	}
}
