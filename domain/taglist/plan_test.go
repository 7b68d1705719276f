package taglist_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	r := watched()
	r.Filter = taglist.Filter{Versions: "^1", Newest: 2, Keep: []string{"latest"}}
	tags := strings.Fields("1.9 1.10 1.8 1.2 latest nightly main 0.9")
	want := taglist.Plan{Repository: repository, Tags: 8, Selected: 3, Groups: []taglist.PlanGroup{
		{Selected: true, Reason: taglist.ReasonSelected, By: "^1", Count: 2, Tags: []string{"1.10", "1.9"}},
		{Selected: true, Reason: taglist.ReasonKept, By: "latest", Count: 1, Tags: []string{"latest"}},
		{Reason: taglist.ReasonOlder, By: "^1", Count: 2, Tags: []string{"1.8", "1.2"}},
		{Reason: taglist.ReasonNoVersion, By: "^1", Count: 2, Tags: []string{"main", "nightly"}},
		{Reason: taglist.ReasonRange, By: "^1", Count: 1, Tags: []string{"0.9"}},
	}}
	plan, err := r.Explain(tags, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("plan (-want +got)\n%s", diff)
	}
	state := &taglist.State{Listed: true, Tags: []string{"0.9", "1.9", "gone"}, ListedTags: []string{"0.9", "1.9", "gone", "latest"}}
	if plan, err = r.Explain(tags, state, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&taglist.PlanChange{New: 1, Joined: 1, Left: 1, Removed: 1}, plan.Change); diff != "" {
		t.Errorf("change (-want +got)\n%s", diff)
	}
	r.Most = 2
	if plan, err = r.Explain(tags, state, nil); err != nil || !strings.Contains(plan.Problem, "3 tags would be watched, more than 2") || plan.Selected != 3 {
		t.Errorf("too many: %+v, %v", plan, err)
	}
}

// TestExplainIsBounded: it travels in one message.
func TestExplainIsBounded(t *testing.T) {
	t.Parallel()
	var tags []string
	for n := range 50_000 {
		tags = append(tags, fmt.Sprintf("%s-%d", strings.Repeat("x", 100), n))
	}
	r := watched()
	r.Most = len(tags)
	plan, err := r.Explain(tags, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if only := plan.Groups[0]; only.Count != len(tags) || len(only.Tags) == 0 || len(only.Tags) > 6_000 {
		t.Errorf("%d of %d tags named", len(only.Tags), only.Count)
	}
}
