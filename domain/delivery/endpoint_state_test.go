package delivery_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

func TestResume(t *testing.T) {
	t.Parallel()
	failing := delivery.EndpointState{}.Failed("HTTP 503", noon).Quiet(noon, 0)
	for _, test := range []struct {
		name  string
		state delivery.EndpointState
		due   time.Duration // from noon; -1 for nothing
		want  time.Duration
	}{
		{"healthy", delivery.EndpointState{}, time.Hour, time.Hour},
		{"nothing waits", failing, -1, -1},
		{"due before the endpoint may be asked", failing, 0, 5 * time.Second},
		{"due soon", failing, time.Minute, time.Minute},
		{"due in hours", failing, 10 * time.Hour, 15 * time.Minute},
		{"due in hours, and the endpoint asks for one", failing.Quiet(noon, time.Hour), 10 * time.Hour, time.Hour},
		{"and for a year", failing.Quiet(noon, 365*24*time.Hour), 30 * time.Hour, 24 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			at := func(after time.Duration) time.Time {
				if after < 0 {
					return time.Time{}
				}
				return noon.Add(after)
			}
			if got := test.state.Resume(at(test.due)); !got.Equal(at(test.want)) {
				t.Errorf("resumes at %s, want %s", got, at(test.want))
			}
		})
	}
}

func TestKeepOfAnEarlyAttempt(t *testing.T) {
	t.Parallel()
	planned, deadline := noon.Add(time.Hour), noon.Add(2*time.Hour)
	for asked, want := range map[time.Duration]time.Time{
		0: planned, time.Minute: planned, 90 * time.Minute: noon.Add(90 * time.Minute), 5 * time.Hour: deadline,
	} {
		if got := delivery.Keep(planned, noon, deadline, asked); !got.Equal(want) {
			t.Errorf("it asks for %s: %s, want %s", asked, got, want)
		}
	}
}

func TestStatesAreEqualAtEqualMoments(t *testing.T) {
	t.Parallel()
	state := delivery.EndpointState{}.Failed("HTTP 503", noon).Quiet(noon, 0)
	elsewhere := delivery.EndpointState{}.Failed("HTTP 503", noon.In(time.FixedZone("", 3600))).Quiet(noon.Local(), 0)
	if !state.Equal(elsewhere) {
		t.Error("a time zone makes a difference")
	}
	if state.Equal(state.Quiet(noon, time.Hour)) || state.Equal(delivery.EndpointState{}) {
		t.Error("different states are equal")
	}
}
