package taglist_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// watched is a repository whose tags are watched for two types.
func watched() taglist.Repository {
	return taglist.Repository{Name: repository, Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate, notification.RepoUpdate},
		Platform: image.Platform{OS: "linux", Architecture: "arm64"}, Poll: time.Minute, List: time.Hour,
		Filter: taglist.Filter{Exclude: []string{"*-dev"}}}
}

func listing(r taglist.Repository, before taglist.State, tags ...string) (taglist.Decision, error) {
	return taglist.Decide(taglist.View{Repository: r, State: before}, taglist.Census{Tags: tags}, everyone(), noon)
}

func TestDecide(t *testing.T) {
	t.Parallel()
	listed := taglist.State{Revision: 3, Listed: true, Tags: []string{"v1", "v2"}, ListedTags: []string{"v1", "v2"}, Applied: watched().Settings()}
	tests := []struct {
		name           string
		before         taglist.State
		tags           []string
		added, removed []string
		revision       int64
		notified       int
	}{
		{"first listing is silent", taglist.State{}, []string{"v2", "v1", "v3-dev"}, []string{"v1", "v2"}, nil, 1, 0},
		{"first listing of an empty repository", taglist.State{}, nil, nil, nil, 1, 0},
		{"nothing new", listed, []string{"v2", "v1"}, nil, nil, 3, 0},
		{"only excluded tags are new", listed, []string{"v1", "v2", "v3-dev"}, nil, nil, 3, 0},
		{"new tags", listed, []string{"v4", "v1", "v3", "v2"}, []string{"v3", "v4"}, nil, 4, 1},
		{"a tag is gone", listed, []string{"v1"}, nil, []string{"v2"}, 4, 0},
		{"one gone, one new", listed, []string{"v1", "v3"}, []string{"v3"}, []string{"v2"}, 4, 1},
		{"the same tag twice", listed, []string{"v1", "v1", "v2", "v3", "v3"}, []string{"v3"}, nil, 4, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := listing(watched(), test.before, test.tags...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{test.added, test.removed}, [][]string{got.Added, got.Removed}); diff != "" {
				t.Errorf("added and removed (-want +got)\n%s", diff)
			}
			if got.State.Revision != test.revision || !got.State.Listed || len(got.Notifications) != test.notified {
				t.Errorf("revision %d, %d notifications; want %d, %d", got.State.Revision, len(got.Notifications), test.revision, test.notified)
			}
			if len(got.Subscribe) != 2*len(test.added) || len(got.Ended) != len(test.removed) {
				t.Errorf("%d subscriptions, %d ended", len(got.Subscribe), len(got.Ended))
			}
			if len(got.Notifications)+len(got.Suppressed) == 0 {
				t.Error("neither notified nor a reason why not")
			}
			again, err := listing(watched(), got.State, test.tags...)
			if err != nil || len(again.Notifications)+len(again.Subscribe)+len(again.Ended) != 0 {
				t.Errorf("deciding again comes to %+v, %v", again, err)
			}
		})
	}
}

func TestDecideListingNamesReasons(t *testing.T) {
	t.Parallel()
	listed := taglist.State{Revision: 3, Listed: true, Tags: []string{"v1", "v2"}, ListedTags: []string{"v0", "v1", "v2"}, Applied: watched().Settings()}
	not := func(reason notification.Reason, detail string) notification.Suppression {
		return notification.Suppression{Type: notification.RepoUpdate, Reason: reason, Detail: detail}
	}
	for name, test := range map[string]struct {
		before taglist.State
		tags   []string
		want   []notification.Suppression
	}{
		"first listing":                 {taglist.State{}, []string{"v1"}, []notification.Suppression{not(notification.FirstObservation, "")}},
		"nothing new":                   {listed, []string{"v1", "v2"}, []notification.Suppression{not(notification.Unchanged, "")}},
		"new, known, excluded and gone": {listed, []string{"v0", "v1", "v3", "v4-dev"}, []notification.Suppression{not(notification.TagKnown, "v0"), not(notification.NotSelected, "v4-dev")}},
		"gone":                          {listed, []string{"v1"}, []notification.Suppression{not(notification.TagGone, "v2")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := listing(watched(), test.before, test.tags...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Suppressed); diff != "" {
				t.Errorf("not notified (-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecideListingSubscribes(t *testing.T) {
	t.Parallel()
	r := watched()
	r.Options = subscription.Options{FixableOnly: true, Endpoints: []string{"chat"}}
	got, err := listing(r, taglist.State{Listed: true, Tags: []string{"old"}, Applied: r.Settings()}, "new")
	if err != nil {
		t.Fatal(err)
	}
	onPlatform := func(tag string) image.Target {
		return image.Target{Reference: repository.Reference(tag), Platform: r.Platform}
	}
	var want []subscription.Subscription
	for _, kind := range []notification.Type{notification.TagUpdate, notification.VulnUpdate} {
		want = append(want, subscription.Subscription{Target: onPlatform("new"), Type: kind, Active: true, Options: r.Options,
			Repository: repository, Created: noon, Updated: noon})
	}
	if diff := cmp.Diff(want, got.Subscribe); diff != "" {
		t.Errorf("subscriptions (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Target{onPlatform("old")}, got.Ended); diff != "" {
		t.Errorf("ended (-want +got)\n%s", diff)
	}
}

// TestDecideListingKeepsNames: a target that is watched under another name keeps it,
// whether its watch begins or ends.
func TestDecideListingKeepsNames(t *testing.T) {
	t.Parallel()
	r := watched()
	r.Platforms = []image.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
	view := taglist.View{Repository: r, State: taglist.State{Listed: true, Tags: []string{"gone"}, Applied: r.Settings()}, Watched: map[image.Target]image.Target{}}
	as := func(target image.Target) image.Target {
		target.Reference.Registry += ":443"
		return target
	}
	for _, target := range []image.Target{r.Targets("new")[0], r.Targets("gone")[1], r.Targets("excluded-dev")[0]} {
		view.Watched[target] = as(target)
	}
	got, err := taglist.Decide(view, taglist.Census{Tags: []string{"new", "excluded-dev"}}, everyone(), noon)
	if err != nil {
		t.Fatal(err)
	}
	var subscribed []image.Target
	for _, each := range got.Subscribe {
		subscribed = append(subscribed, each.Target)
	}
	if diff := cmp.Diff([]image.Target{as(r.Targets("new")[0]), r.Targets("new")[1]}, slices.Compact(subscribed)); diff != "" {
		t.Errorf("subscribed (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Target{r.Targets("gone")[0], as(r.Targets("gone")[1])}, got.Ended); diff != "" {
		t.Errorf("ended (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]taglist.Namesake{{Target: r.Targets("new")[0], As: as(r.Targets("new")[0])}}, got.Namesakes); diff != "" {
		t.Errorf("namesakes (-want +got)\n%s", diff)
	}
}

func TestDecideListingNotifiesAllNewTagsAtOnce(t *testing.T) {
	t.Parallel()
	before := taglist.State{Revision: 1, Listed: true, Tags: []string{"v1"}, Applied: watched().Settings()}
	got, err := listing(watched(), before, "v3", "v2")
	if err != nil {
		t.Fatal(err)
	}
	var payload struct {
		Key     string   `json:"subscription_key"`
		New     []string `json:"new_tags"`
		Removed []string `json:"removed_tags"`
	}
	if err := json.Unmarshal(got.Notifications[0].Payload, &payload); err != nil {
		t.Fatal(err)
	}
	if payload.Key != repository.String() || !slices.Equal(payload.New, []string{"v2", "v3"}) || !slices.Equal(payload.Removed, []string{"v1"}) {
		t.Errorf("notified %+v", payload)
	}
	if len(got.Deliveries) != 1 || got.Deliveries[0].Endpoint != "chat" || got.Deliveries[0].Notification != got.Notifications[0].ID {
		t.Errorf("deliveries %+v", got.Deliveries)
	}
}

func TestDiffTags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                            string
		known, selected, added, removed []string
	}{
		{"both empty", nil, nil, nil, nil},
		{"all new", nil, []string{"a", "b"}, []string{"a", "b"}, nil},
		{"all gone", []string{"a", "b"}, nil, nil, []string{"a", "b"}},
		{"some of each", []string{"a", "b"}, []string{"b", "c"}, []string{"c"}, []string{"a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			added, removed := taglist.DiffTags(test.known, test.selected)
			if !slices.Equal(added, test.added) || !slices.Equal(removed, test.removed) {
				t.Errorf("added %v, removed %v", added, removed)
			}
		})
	}
}
