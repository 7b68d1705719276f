package endpoint

import (
	"errors"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
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
		{"no digest", Pace{RateLimit: 1}, 1, 0, true},
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

func TestPaceRefuses(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]Pace{
		"a negative rate limit":         {RateLimit: -1},
		"an interval that never ends":   {Digest: 48 * time.Hour},
		"a count without an interval":   {DigestCount: 5},
		"a negative window":             {Debounce: -time.Minute},
		"a window of days":              {Debounce: 48 * time.Hour},
		"a negative count":              {Digest: time.Minute, DigestCount: -1},
		"an interval that lies earlier": {Digest: -time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := Endpoint{Name: "chat", URL: "https://chat.example.com", Pace: pace}
			if err := e.Validate(); !errors.Is(err, errkind.Invalid) {
				t.Errorf("validate: %v", err)
			}
		})
	}
}
