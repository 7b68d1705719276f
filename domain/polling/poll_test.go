package polling_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
)

func tagNumber(n int) image.Reference {
	return image.Reference{Repository: image.Repository{Registry: "registry.example.com", Path: "shop/api"}, Tag: fmt.Sprintf("1.%d", n)}
}

// A tag is due once in each interval, however late each of its polls is.
func TestNextPollOnceInEachInterval(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 30, 12, 0, 0, 123456000, time.UTC)
	for _, every := range []time.Duration{30 * time.Second, 47 * time.Second, time.Minute, 5 * time.Minute, 7 * time.Hour} {
		for n := range 50 {
			due, polls := polling.NextPoll(tagNumber(n), every, start), 0
			for last := start; due.Before(start.Add(100 * every)); polls++ {
				if gap := due.Sub(last); gap <= 0 || gap > every {
					t.Fatalf("every %s: due %s after the last poll", every, gap)
				}
				last = due.Add(time.Duration(polls%19) * every / 20) // late
				next := polling.NextPoll(tagNumber(n), every, last)
				if next.Sub(due) != every {
					t.Fatalf("every %s: due again after %s", every, next.Sub(due))
				}
				due = next
			}
			if polls < 99 || polls > 101 {
				t.Errorf("every %s: %d polls in 100 intervals", every, polls)
			}
		}
	}
}

// Tags of one interval are due at twenty points of it, about as many at each.
func TestNextPollOnAGrid(t *testing.T) {
	t.Parallel()
	const every = 5 * time.Minute
	now := time.Date(2026, 11, 30, 12, 0, 1, 0, time.UTC)
	points := map[time.Time]int{}
	for n := range 2000 {
		due := polling.NextPoll(tagNumber(n), every, now)
		if step := polling.PollStep(every); !polling.NextStep(step, due.Add(-time.Nanosecond)).Equal(due) {
			t.Fatalf("%s is not on the grid of %s", due, step)
		}
		points[due]++
	}
	if len(points) != 20 {
		t.Errorf("due at %d points, want 20", len(points))
	}
	for at, tags := range points {
		if tags < 50 || tags > 200 {
			t.Errorf("%d of 2000 tags are due at %s", tags, at)
		}
	}
}

func TestPollsStep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		polls polling.Polls
		want  time.Duration
	}{
		{"only the default", polling.Polls{Tags: 3, Ordinary: 3}, 15 * time.Second},
		{"only own intervals", polling.Polls{Tags: 3, Shortest: time.Hour}, 3 * time.Minute},
		{"a shorter one beside the default", polling.Polls{Tags: 3, Ordinary: 2, Shortest: 30 * time.Second}, 1500 * time.Millisecond},
		{"a longer one beside the default", polling.Polls{Tags: 3, Ordinary: 1, Shortest: time.Hour}, 15 * time.Second},
	} {
		if got := test.polls.Step(5 * time.Minute); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
