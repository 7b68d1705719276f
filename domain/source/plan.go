package source

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Reading is what was read of a source.
type Reading struct {
	Found []Found
	// Version is what the server calls the text; empty where it has no name.
	Version string
	// Unchanged reports that the server still has the version that was asked for: then
	// Found is empty.
	Unchanged bool
	// Changing reports that something is about to start of which no change will be announced,
	// so that the source is to be read again soon.
	Changing bool
}

// Plan is what adding a source, or changing one, would come to.
type Plan struct {
	Source Source `json:"source"`
	// Tags are those that it would bring, References all that were found.
	Tags       int `json:"tags"`
	References int `json:"references"`
	// NotFollowed are references of which nothing is watched.
	NotFollowed int `json:"not_followed"`
	// New would be subscribed, Missing are brought now and no longer listed.
	New     int `json:"new"`
	Missing int `json:"missing"`
	// Found is what was found, without the last Omitted of it.
	Found []Found `json:"found"`
	// Omitted is how many references were found and are not listed, as there are too many
	// for one message. They count in the other numbers.
	Omitted int `json:"omitted,omitempty"`
	// Problem is why it would not be done; empty if it would.
	Problem string `json:"problem,omitempty"`
}

// maxPlanText bounds the references of a plan, in bytes: it travels in one message.
const maxPlanText = 512 << 10

// Explain makes the plan of a source that lists those references. The state of the view
// is that of the source as it is now; zero for a new one.
func (v View) Explain(found []Found, now time.Time) (Plan, error) {
	plan := Plan{Source: v.Source, References: len(found), Found: []Found{}}
	found, wanted, order := v.wants(found)
	room := maxPlanText
	for i, each := range found {
		text, err := json.Marshal(each)
		if err != nil {
			return plan, err
		}
		if room -= len(text); room < 0 {
			plan.Omitted = len(found) - i
			break
		}
		plan.Found = append(plan.Found, each)
	}
	for _, each := range found {
		if !each.Followed() {
			plan.NotFollowed++
		}
	}
	for _, key := range order {
		if !wanted[key].keep {
			plan.Tags++
		}
	}
	for _, member := range v.State.Members {
		if _, listed := wanted[Canonical(member.Target)]; !listed {
			plan.Missing++
		}
	}
	d, err := Decide(v, found, "", now)
	if errors.Is(err, errkind.Limit) {
		plan.Problem = errkind.Text(err)
		return plan, nil
	}
	plan.New = len(d.Added)
	if d.Problem != nil {
		plan.Problem = d.Problem.Message
	}
	return plan, err
}

// Fault is a failure to read a source.
func Fault(err error, before *condition.Problem, now time.Time) *condition.Problem {
	p := &condition.Problem{Kind: errkind.Name(err), Stage: condition.StageList, Message: errkind.Text(err), Since: now}
	if before != nil && before.Stage == p.Stage {
		p.Since = before.Since
	}
	return p
}
