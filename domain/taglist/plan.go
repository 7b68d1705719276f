package taglist

import (
	"cmp"
	"slices"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// Plan is what watching a repository would come to.
type Plan struct {
	Repository image.Repository `json:"repository"`
	// Tags are in the repository, Selected are those that would be watched.
	Tags     int `json:"tags"`
	Selected int `json:"selected"`
	// Groups are the tags by why they are selected or not: first the selected,
	// then the most frequent reason.
	Groups []PlanGroup `json:"groups"`
	// Namesakes are those of the selected targets that are subscribed under other
	// names, which they keep; Named is their number, for the list may be cut.
	Namesakes []Namesake `json:"namesakes,omitempty"`
	Named     int        `json:"named,omitempty"`
	// Problem is why it is more than is allowed; empty if it is not.
	Problem string `json:"problem,omitempty"`
	// Change is what would change for a repository that is watched already; nil
	// for another.
	Change *PlanChange `json:"change,omitempty"`
}

// PlanGroup are tags of which the same is said.
type PlanGroup struct {
	Selected bool   `json:"selected"`
	Reason   Reason `json:"reason"`
	// By is the pattern or the range that decided.
	By string `json:"by,omitempty"`
	// Count is their number; Tags may be cut.
	Count int      `json:"count"`
	Tags  []string `json:"tags"`
}

// PlanChange compares a plan with what is watched now.
type PlanChange struct {
	// New tags would be notified, Joined ones not.
	New    int `json:"new"`
	Joined int `json:"joined"`
	// Left are no longer selected, Removed no longer there.
	Left    int `json:"left"`
	Removed int `json:"removed"`
}

// maxPlanText bounds the names in a plan, in bytes: it travels in one message.
const maxPlanText = 512 << 10

// planNamesakes is how many a plan has.
const planNamesakes = 100

// Explain makes the plan of a repository with those tags. State is that of the
// watched repository; nil for another. Watched is as in a View.
func (r Repository) Explain(tags []string, state *State, watched map[image.Target]image.Target) (Plan, error) {
	judged, err := r.Filter.Judge(tags)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Repository: r.Name, Tags: len(judged), Groups: groups(judged)}
	for _, group := range plan.Groups {
		if group.Selected {
			plan.Selected += group.Count
		}
	}
	selected, err := r.selected(tags)
	if err != nil {
		plan.Problem = errkind.Text(err)
	}
	namesakes := View{Repository: r, Watched: watched}.namesakes(selected)
	plan.Namesakes, plan.Named = namesakes[:min(len(namesakes), planNamesakes)], len(namesakes)
	if state == nil || plan.Problem != "" {
		return plan, nil
	}
	d, err := Decide(View{Repository: r, State: *state}, Census{Tags: tags}, subscription.Audience{}, state.Checked)
	plan.Change = &PlanChange{New: len(d.Added), Joined: len(d.Joined), Left: len(d.Left), Removed: len(d.Removed)}
	return plan, err
}

func groups(judged []Judgement) []PlanGroup {
	type key struct {
		selected bool
		reason   Reason
		by       string
	}
	index, found := map[key]int{}, []PlanGroup{}
	room := maxPlanText
	for _, each := range inOrder(judged) {
		k := key{each.Selected, each.Reason, each.By}
		at, seen := index[k]
		if !seen {
			at = len(found)
			index[k] = at
			found = append(found, PlanGroup{Selected: each.Selected, Reason: each.Reason, By: each.By, Tags: []string{}})
		}
		found[at].Count++
		if room -= len(each.Tag); room > 0 {
			found[at].Tags = append(found[at].Tags, each.Tag)
		}
	}
	slices.SortStableFunc(found, func(a, b PlanGroup) int {
		return cmp.Or(rank(a.Selected)-rank(b.Selected), b.Count-a.Count)
	})
	return found
}

// inOrder puts the selected tags first, and the newest versions of them.
func inOrder(judged []Judgement) []Judgement {
	ordered := slices.Clone(judged)
	slices.SortStableFunc(ordered, func(a, b Judgement) int {
		return cmp.Or(rank(a.Selected)-rank(b.Selected), b.version.Compare(a.version))
	})
	return ordered
}

func rank(selected bool) int {
	if selected {
		return 0
	}
	return 1
}
