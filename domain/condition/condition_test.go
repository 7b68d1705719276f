package condition_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
)

var (
	noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	key  = condition.Key{Kind: condition.Unreachable, Resource: condition.Registry, Name: "registry.example"}
)

func row(since, notified time.Time, confirmed bool, message string) *condition.Condition {
	return &condition.Condition{Key: key, Message: message, Since: since, Confirmed: confirmed, Notified: notified}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	hour, none := noon.Add(-time.Hour), time.Time{}
	tests := map[string]struct {
		before *condition.Condition
		found  *condition.Found
		want   condition.Transition
		after  *condition.Condition
	}{
		"all is well":                          {nil, nil, condition.Nothing, nil},
		"it begins":                            {nil, &condition.Found{Message: "a"}, condition.Began, row(noon, noon, true, "a")},
		"it began before it was found":         {nil, &condition.Found{Message: "a", Since: hour}, condition.Began, row(hour, noon, true, "a")},
		"it may pass":                          {nil, &condition.Found{Message: "a", For: time.Hour}, condition.Changed, row(noon, none, false, "a")},
		"it may still pass":                    {row(noon, none, false, "a"), &condition.Found{Message: "a", For: time.Hour}, condition.Nothing, row(noon, none, false, "a")},
		"it passes":                            {row(hour, none, false, "a"), nil, condition.Ended, nil},
		"it lasts":                             {row(hour, none, false, "a"), &condition.Found{Message: "b", For: time.Hour}, condition.Began, row(hour, noon, true, "b")},
		"something worse joins it":             {row(noon, none, false, "a"), &condition.Found{Message: "b"}, condition.Began, row(noon, noon, true, "b")},
		"it goes on":                           {row(hour, hour, true, "a"), &condition.Found{Message: "a"}, condition.Nothing, row(hour, hour, true, "a")},
		"it goes on and would be suspected":    {row(noon, noon, true, "a"), &condition.Found{Message: "a", For: time.Hour}, condition.Nothing, row(noon, noon, true, "a")},
		"its message changes":                  {row(hour, hour, true, "a"), &condition.Found{Message: "b"}, condition.Changed, row(hour, hour, true, "b")},
		"it recovers":                          {row(hour, hour, true, "a"), nil, condition.Recovered, nil},
		"a silent one begins":                  {nil, &condition.Found{Message: "a", Silent: true}, condition.Changed, row(noon, none, true, "a")},
		"a silent one goes on":                 {row(hour, none, true, "a"), &condition.Found{Message: "a", Silent: true}, condition.Nothing, row(hour, none, true, "a")},
		"a silent one becomes one that is not": {row(hour, none, true, "a"), &condition.Found{Message: "b"}, condition.Began, row(hour, noon, true, "b")},
		"a silent one ends":                    {row(hour, none, true, "a"), nil, condition.Ended, nil},
		"one that was notified becomes silent": {row(hour, hour, true, "a"), &condition.Found{Message: "b", Silent: true}, condition.Changed, row(hour, hour, true, "b")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before []condition.Condition
			if test.before != nil {
				before = append(before, *test.before)
			}
			changes := condition.Follow(before, condition.Wrong(key, test.found), noon)
			if test.before == nil && test.found == nil {
				if len(changes) != 0 {
					t.Errorf("changes %+v, want none", changes)
				}
				return
			}
			want := []condition.Change{{Transition: test.want, Before: test.before, After: test.after}}
			if diff := cmp.Diff(want, changes); diff != "" {
				t.Errorf("changes (-want +got)\n%s", diff)
			}
		})
	}
}

// A check of several conditions says nothing of what is outside its scope.
func TestFollowStaysInItsScope(t *testing.T) {
	t.Parallel()
	provider := func(kind condition.Kind, name string) condition.Condition {
		return condition.Condition{Key: condition.Key{Kind: kind, Resource: condition.Data, Name: name}, Since: noon, Confirmed: true, Notified: noon}
	}
	before := []condition.Condition{provider("outdated", "nvd"), provider("outdated", "debian"), provider("on_hold", "sha256:1"), *row(noon, noon, true, "a")}
	report := condition.Report{Scope: condition.Scope{Kinds: []condition.Kind{"outdated", "ahead"}}, Found: []condition.Found{
		{Key: before[0].Key}, {Key: condition.Key{Kind: "ahead", Resource: condition.Data, Name: "nvd"}}}}
	var got []string
	for _, change := range condition.Follow(before, report, noon) {
		got = append(got, string(change.Of().Kind)+" "+change.Of().Name+" "+string(change.Transition))
	}
	want := []string{"outdated nvd ", "ahead nvd began", "outdated debian recovered"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got)\n%s", diff)
	}
}
