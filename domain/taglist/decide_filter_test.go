package taglist_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// TestDecideListingNotifiesNewsFromSelection: only what the repository did not have
// before is news.
func TestDecideListingNotifiesNewsFromSelection(t *testing.T) {
	t.Parallel()
	r := watched()
	r.Filter = taglist.Filter{Versions: "^1", Newest: 2}
	state := func(watched, known string) taglist.State {
		return taglist.State{Revision: 1, Listed: true, Applied: r.Settings(),
			Tags: strings.Fields(watched), ListedTags: strings.Fields(known)}
	}
	type outcome struct{ Added, Joined, Left, Removed string }
	tests := []struct {
		name     string
		before   taglist.State
		census   taglist.Census
		want     outcome
		notified int
		knowing  string
	}{
		{"a new version pushes an old one out", state("1.0 1.1", "1.0 1.1 latest"), taglist.Census{Tags: []string{"1.0", "1.1", "1.2", "latest"}},
			outcome{Added: "1.2", Left: "1.0"}, 1, "1.0 1.1 1.2 latest"},
		{"the newest goes and an old one comes back, which is no news", state("1.1 1.2", "1.0 1.1 1.2"), taglist.Census{Tags: []string{"1.0", "1.1"}},
			outcome{Joined: "1.0", Removed: "1.2"}, 0, "1.0 1.1"},
		{"the filter was another before", state("2.0 2.1", "1.0 1.1 2.0 2.1"), taglist.Census{Tags: []string{"1.0", "1.1", "2.0", "2.1"}},
			outcome{Joined: "1.0 1.1", Left: "2.0 2.1"}, 0, "1.0 1.1 2.0 2.1"},
		{"the filter was another, and there is a new tag", state("2.0", "1.0 2.0"), taglist.Census{Tags: []string{"1.0", "1.1", "2.0"}},
			outcome{Added: "1.1", Joined: "1.0", Left: "2.0"}, 1, "1.0 1.1 2.0"},
		{"a tag that was gone and is back is news", state("1.0", "1.0"), taglist.Census{Tags: []string{"1.0", "1.1"}},
			outcome{Added: "1.1"}, 1, "1.0 1.1"},
		{"a list that lacks tags forgets none", state("1.0 1.1", "0.9 1.0 1.1"), taglist.Census{Tags: []string{"1.0", "1.1"}, Partial: true},
			outcome{}, 0, "0.9 1.0 1.1"},
		{"a state without what was known", taglist.State{Revision: 1, Listed: true, Tags: []string{"1.0"}}, taglist.Census{Tags: []string{"1.0", "1.1"}},
			outcome{Added: "1.1"}, 1, "1.0 1.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, err := taglist.Decide(taglist.View{Repository: r, State: test.before}, test.census, everyone(), noon)
			if err != nil {
				t.Fatal(err)
			}
			words := func(tags []string) string { return strings.Join(tags, " ") }
			if diff := cmp.Diff(test.want, outcome{words(d.Added), words(d.Joined), words(d.Left), words(d.Removed)}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(d.Notifications) != test.notified || words(d.State.ListedTags) != test.knowing {
				t.Errorf("%d notified, known %v", len(d.Notifications), d.State.ListedTags)
			}
			if len(d.Archived) != len(d.Left) || len(d.Ended) != len(d.Left)+len(d.Removed) {
				t.Errorf("ended %v, of which archived %v", d.Ended, d.Archived)
			}
		})
	}
}

// TestDecideListingRenews: new settings reach the tags that are watched already,
// but for those that a person unsubscribed.
func TestDecideListingRenews(t *testing.T) {
	t.Parallel()
	old := watched() // tag_update and vuln_update on linux/arm64
	view := taglist.View{Repository: watched(), State: taglist.State{Revision: 1, Listed: true, Applied: old.Settings(),
		Tags: []string{"gone", "kept", "left", "unsubscribed"}, ListedTags: []string{"gone", "kept", "left", "unsubscribed"}}}
	view.Repository.Filter.Exclude = []string{"left"}
	view.Repository.Types = []notification.Type{notification.TagUpdate, notification.PolicyEval}
	view.Repository.Platforms = []image.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "amd64"}}
	view.Repository.Poll = time.Hour
	for _, tag := range []string{"gone", "kept", "left"} {
		for _, kind := range []notification.Type{notification.TagUpdate, notification.VulnUpdate} {
			view.Brought = append(view.Brought, subscription.Subscription{Target: old.Targets(tag)[0], Type: kind, Repository: repository})
		}
	}
	if !view.Stale() {
		t.Fatal("not stale")
	}
	d, err := taglist.Decide(view, taglist.Census{Tags: []string{"kept", "left", "unsubscribed"}}, everyone(), noon)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, sub := range d.Subscribe {
		made = append(made, sub.Target.String()+" "+string(sub.Type))
	}
	name := repository.String()
	want := []string{name + ":kept@linux/arm64 tag_update", name + ":kept@linux/arm64 policy_eval",
		name + ":kept@linux/amd64 tag_update", name + ":kept@linux/amd64 policy_eval"}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("made (-want +got)\n%s", diff)
	}
	if len(d.Dropped) != 1 || d.Dropped[0].Target.Reference.Tag != "kept" || d.Dropped[0].Type != notification.VulnUpdate {
		t.Errorf("dropped %+v", d.Dropped)
	}
	if diff := cmp.Diff([]image.Target{old.Targets("gone")[0], old.Targets("left")[0]}, d.Ended); diff != "" {
		t.Errorf("ended (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Target{old.Targets("left")[0]}, d.Archived); diff != "" {
		t.Errorf("archived (-want +got)\n%s", diff)
	}
	view.State = d.State
	if view.Stale() {
		t.Error("stale after it was brought up to date")
	}
}

// TestDecideListingBoundsTags: a repository that somebody fills does not fill the
// installation.
func TestDecideListingBoundsTags(t *testing.T) {
	t.Parallel()
	r := watched()
	r.Most = 2
	_, err := listing(r, taglist.State{}, "v1", "v2", "v3")
	if !errors.Is(err, errkind.Limit) || !strings.Contains(err.Error(), "3 tags") {
		t.Errorf("error %v", err)
	}
	if _, err := listing(r, taglist.State{}, "v1", "v2", "v3-dev"); err != nil {
		t.Errorf("with two that are selected: %v", err)
	}
}
