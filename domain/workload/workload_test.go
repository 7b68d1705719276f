package workload_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// rows are those of one workload: digests with counts, as in "a:2 b:1". An upper-case
// digest names the image of the lower-case one.
func rows(name, text string) (list []workload.Row) {
	for _, each := range strings.Fields(text) {
		digest, count, _ := strings.Cut(each, ":")
		row := workload.Row{Key: workload.Key{Source: "prod", Kind: "deployment", Namespace: "shop", Name: name}}
		if digest != "?" {
			row.Digest = image.Digest(digest)
		}
		if lower := strings.ToLower(digest); lower != digest {
			row.Image = image.Digest(lower)
		}
		fmt.Sscan(count, &row.Count)
		list = append(list, row)
	}
	return list
}

// follow follows a listing of tags of which nobody is notified.
func follow(before, listed []workload.Row, now time.Time) ([]workload.Row, []workload.Update) {
	o := workload.Follow(workload.Listing{Before: before, Now: listed, Notifies: func(image.Target) bool { return false }, At: now})
	return o.Rows, o.Updates
}

// TestFollow plays listings of one workload; "-" is one that lacks it.
func TestFollow(t *testing.T) {
	t.Parallel()
	type step struct {
		after time.Duration
		runs  string
		want  string
	}
	for name, steps := range map[string][]step{
		"the first listing is silent":      {{0, "a:3", ""}, {time.Minute, "a:3", ""}},
		"scaling is not an update":         {{0, "a:3", ""}, {time.Minute, "a:5", ""}, {time.Minute, "a:1", ""}},
		"a roll-out is one update":         {{0, "a:3", ""}, {time.Minute, "a:2 b:1", "a>b"}, {time.Minute, "a:1 b:2", ""}, {time.Minute, "b:3", ""}, {time.Hour, "b:3", ""}},
		"replicas flip in a roll-out":      {{0, "a:2", ""}, {time.Minute, "a:1 b:1", "a>b"}, {time.Minute, "b:1", ""}, {time.Minute, "a:1 b:1", ""}, {time.Minute, "a:1", ""}, {time.Minute, "b:2", ""}, {time.Hour, "b:2", ""}},
		"a roll-back after a while":        {{0, "a:2", ""}, {time.Minute, "b:2", "a>b"}, {time.Hour, "b:2", ""}, {time.Minute, "a:2", "b>a"}, {time.Hour, "a:2", ""}},
		"a roll-back at once":              {{0, "a:2", ""}, {time.Minute, "a:1 b:1", "a>b"}, {time.Minute, "a:2", ""}, {time.Hour, "a:2", "b>a"}, {time.Hour, "a:2", ""}},
		"a workload that is away":          {{0, "a:2", ""}, {time.Minute, "-", ""}, {time.Hour, "a:2", ""}},
		"one that comes back with another": {{0, "a:2", ""}, {time.Minute, "-", ""}, {time.Hour, "b:2", "a>b"}},
		"one that was long forgotten":      {{0, "a:2", ""}, {time.Minute, "-", ""}, {8 * 24 * time.Hour, "-", ""}, {time.Minute, "b:2", ""}},
		"an image that is not known":       {{0, "?:2", ""}, {time.Minute, "a:2", ""}, {time.Minute, "?:2", ""}, {time.Minute, "a:2", ""}, {time.Minute, "?:1 b:1", "a>b"}},
		"another digest of the same image": {{0, "A:2", ""}, {time.Minute, "a:2", ""}, {time.Minute, "a:1 A:1", ""}},
		"three images":                     {{0, "a:3", ""}, {time.Minute, "a:1 b:1 c:1", "a>b a>c"}, {time.Minute, "c:3", ""}, {time.Hour, "c:3", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stored []workload.Row
			now := noon
			for i, s := range steps {
				now = now.Add(s.after)
				listed := rows("web", s.runs)
				if s.runs == "-" {
					listed = nil
				}
				var updates []workload.Update
				stored, updates = follow(stored, listed, now)
				var said []string
				for _, u := range updates {
					said = append(said, fmt.Sprintf("%s>%s", strings.Trim(fmt.Sprint(u.Before), "[]"), u.After))
				}
				if got := strings.Join(said, " "); got != s.want {
					t.Errorf("step %d: %q, want %q; stored %+v", i+1, got, s.want, stored)
				}
			}
		})
	}
}

// TestFollowKeepsWorkloadsApart: a new one starts nothing.
func TestFollowKeepsWorkloadsApart(t *testing.T) {
	t.Parallel()
	stored, _ := follow(nil, rows("web", "a:1"), noon)
	stored, updates := follow(stored, append(rows("web", "a:1"), rows("api", "b:1")...), noon.Add(time.Minute))
	if len(updates) > 0 || len(stored) != 2 {
		t.Errorf("updates %+v, stored %+v", updates, stored)
	}
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	key := func(name string) workload.Key { return workload.Key{Source: "prod", Kind: "service", Name: name} }
	got := workload.Summarize([]workload.Instance{
		{Key: key("a"), Age: workload.Current, Count: 2}, {Key: key("b"), Age: workload.Unknown, Count: 1}, {Key: key("a"), Age: workload.Older, Count: 3},
	})
	want := &workload.Running{Total: 6, Current: 2, Older: 3, Unknown: 1, Workloads: []workload.Instance{
		{Key: key("a"), Age: workload.Older, Count: 3}, {Key: key("b"), Age: workload.Unknown, Count: 1}, {Key: key("a"), Age: workload.Current, Count: 2}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got)\n%s", diff)
	}
	many := make([]workload.Instance, 2*workload.MostInstances)
	if got := workload.Summarize(many); len(got.Workloads) != workload.MostInstances || got.Omitted != workload.MostInstances {
		t.Errorf("%d listed, %d omitted", len(got.Workloads), got.Omitted)
	}
	if workload.AgeOf("", "a") != workload.Unknown || workload.AgeOf("a", "") != workload.Unknown || workload.AgeOf("a", "b") != workload.Older {
		t.Error("what is not known is neither current nor older")
	}
}
