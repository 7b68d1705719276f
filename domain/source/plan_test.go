package source_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// TestExplainSaysWhatItLeavesOut: a plan fits into one message however long the source
// is, and its numbers are those of the whole.
func TestExplainSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	for references, cut := range map[int]bool{0: false, 3: false, 12_000: true} {
		var found []source.Found
		for i := range references {
			found = append(found, source.Refer(fmt.Sprintf("registry.example.org/%s/app:%d", strings.Repeat("a", 100), i), fmt.Sprint("list:", i+1), image.Platform{}),
				source.Refer("scratch", fmt.Sprint("other:", i+1), image.Platform{}))
		}
		s := newWorld(t).source
		s.Most = 1 << 20
		plan, err := source.View{Source: s}.Explain(found, noon)
		if err != nil {
			t.Fatal(err)
		}
		if plan.References != 2*references || plan.Tags != references || plan.New != references || plan.NotFollowed != references {
			t.Errorf("%d references twice: %d references, %d tags, %d new, %d not followed", references, plan.References, plan.Tags, plan.New, plan.NotFollowed)
		}
		if len(plan.Found)+plan.Omitted != plan.References || plan.Omitted > 0 != cut {
			t.Errorf("%d references: %d listed, %d omitted", plan.References, len(plan.Found), plan.Omitted)
		}
		if text, err := json.Marshal(plan); err != nil || len(text) > 1<<20 {
			t.Errorf("a plan of %d bytes, %v", len(text), err)
		}
	}
}

// TestAnotherPlaceDecides: of several places of one tag, those whose labels or digest do
// not count say so, in the plan and in what is stored.
func TestAnotherPlaceDecides(t *testing.T) {
	t.Parallel()
	digests := []string{"@sha256:" + strings.Repeat("a", 64), "@sha256:" + strings.Repeat("b", 64)}
	for name, test := range map[string]struct {
		list []string
		want []string
	}{
		"one place":                {[]string{"a:1 endpoints=ops"}, []string{""}},
		"only one has labels":      {[]string{"a:1", "a:1 endpoints=ops", "a:1"}, []string{"", "", ""}},
		"all have the same":        {[]string{"a:1 endpoints=ops", "a:1 endpoints=ops"}, []string{"", ""}},
		"they differ":              {[]string{"a:1", "a:1 endpoints=ops", "docker.io/library/a:1 interval=5m"}, []string{"", "", "the labels at list:2 decide"}},
		"watch=true says no more":  {[]string{"a:1 endpoints=ops", "a:1 watch=true"}, []string{"", ""}},
		"watch=true comes first":   {[]string{"a:1 watch=true", "a:1 interval=5m"}, []string{"", "the labels at list:1 decide"}},
		"the first cannot be used": {[]string{"a:1 endpoints=nobody", "a:1 interval=5m", "a:1 interval=6m"}, []string{`endpoint "nobody" not found`, "", "the labels at list:2 decide"}},
		"two digests":              {[]string{"a:1", "a:1" + digests[0], "a:1" + digests[1], "a:1" + digests[0]}, []string{"", "", "the digest at list:2 decides", ""}},
		"both":                     {[]string{"a:1" + digests[0] + " interval=5m", "a:1" + digests[1] + " interval=6m"}, []string{"", "the labels at list:1 decide; the digest at list:1 decides"}},
		"other tags":               {[]string{"a:1 interval=5m", "a:2 interval=6m", "a:1@linux/arm64 interval=7m"}, []string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			notes := func(found []source.Found) (all []string) {
				for _, each := range found {
					all = append(all, each.Note)
				}
				return all
			}
			plan, err := w.view().Explain(w.found(test.list...), noon)
			if err != nil || !slices.Equal(notes(plan.Found), test.want) {
				t.Errorf("planned: %q, %v, want %q", notes(plan.Found), err, test.want)
			}
			// Listed again, as a server says that nothing has changed.
			for range 2 {
				w.list(test.list...)
				if got := notes(w.state.Found); !slices.Equal(got, test.want) {
					t.Errorf("stored: %q, want %q", got, test.want)
				}
			}
		})
	}
}
