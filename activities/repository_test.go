package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/lab"
)

// repository begins to watch the repository app of the registry.
func (r *rig) repository(filter taglist.Filter) image.Repository {
	r.Helper()
	name := r.target("app:1").Reference.Repository
	r.must(r.store.SaveRepository(r.Context(), taglist.Repository{Name: name, Types: []notification.Type{notification.TagUpdate, notification.RepoUpdate},
		List: time.Hour, Filter: filter}, r.clock.Now()))
	return name
}

func (r *rig) list(name image.Repository) taglist.Listing {
	r.Helper()
	r.clock.advance(time.Hour)
	return do[taglist.Listing](r, r.steps.ListTags, name)
}

// subscribed lists the tags with a subscription.
func (r *rig) subscribed() []string {
	r.Helper()
	targets, err := r.store.Targets(r.Context(), subscription.TargetFilter{})
	r.must(err)
	names := []string{}
	for _, target := range targets {
		names = append(names, short(target))
	}
	return names
}

func TestListing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.registry.LimitTags(2)
	for n := range 5 {
		r.push(fmt.Sprintf("app:%d", n), "openssl 1")
	}
	name := r.repository(taglist.Filter{Exclude: []string{"4"}})
	first := r.list(name)
	if !first.Active || first.Tags != 4 || len(first.Endpoints) > 0 {
		t.Errorf("first listing %+v", first)
	}
	if diff := cmp.Diff([]string{"app:0", "app:1", "app:2", "app:3"}, r.subscribed()); diff != "" {
		t.Errorf("subscribed (-want +got):\n%s", diff)
	}
	r.push("app:5", "openssl 1")
	r.push("app:6", "openssl 1")
	if second := r.list(name); !slices.Equal(second.New, []string{"5", "6"}) || !slices.Equal(second.Endpoints, []string{"hook"}) {
		t.Errorf("second listing %+v", second)
	}
	if third := r.list(name); len(third.New)+len(third.Endpoints) > 0 {
		t.Errorf("third listing %+v", third)
	}
	r.expect(0, "repo_update image app")
}

func TestListingOfNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if listing := r.list(r.target("app:1").Reference.Repository); listing.Active {
		t.Errorf("listing %+v", listing)
	}
}

// TestListingOfALostAnswer: the endpoints of a notification that is stored
// already are woken all the same.
func TestListingOfALostAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.push("app:1", "openssl 1")
	name := r.repository(taglist.Filter{})
	r.list(name)
	r.push("app:2", "openssl 1")
	listing := answerLost[taglist.Listing](r, "ListTags", name)
	if !slices.Equal(listing.Endpoints, []string{"hook"}) {
		t.Errorf("listing %+v", listing)
	}
	r.expect(0, "repo_update image app")
}

// TestListingThatFails changes nothing, wherever it breaks off, and is notified once.
func TestListingThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault lab.Fault
		kind  error
	}{
		{"refused", lab.Fault{Path: "/tags/", Status: http.StatusForbidden}, errkind.Unauthorized},
		{"repository unknown", lab.Fault{Path: "/tags/", Status: http.StatusNotFound}, errkind.NotFound},
		{"error", lab.Fault{Path: "/tags/", Status: http.StatusBadGateway}, errkind.Unavailable},
		{"cut off", lab.Fault{Path: "/tags/", CutAfter: 10}, errkind.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.push("app:1", "openssl 1")
			r.push("app:2", "openssl 1")
			name := r.repository(taglist.Filter{})
			r.list(name)
			before := r.subscribed()
			lift := r.registry.Fail(test.fault)
			for range 3 {
				if listing := r.list(name); listing.Problem == nil || listing.Problem.Kind != errkind.Name(test.kind) || !listing.Active {
					t.Errorf("listing %+v", listing)
				}
			}
			lift()
			r.list(name)
			if diff := cmp.Diff(before, r.subscribed()); diff != "" {
				t.Errorf("subscribed (-before +after):\n%s", diff)
			}
			r.expect(0, "system.repository.list_tags_fail app", "system.repository.list_tags_recovered app")
		})
	}
}

// TestListThatLags: a tag that the list lacks and the registry has is not gone.
func TestListThatLags(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"name": "app", "tags": null}`, `{"name": "app", "tags": ["1"]}`} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for n := range 3 {
				r.push(fmt.Sprintf("app:%d", n), "openssl 1")
			}
			name := r.repository(taglist.Filter{})
			r.list(name)
			lift := r.registry.Fail(lab.Fault{Path: "/tags/", Status: http.StatusOK, Body: body})
			if listing := r.list(name); len(listing.Removed) > 0 || listing.Tags != 3 {
				t.Errorf("listing %+v", listing)
			}
			lift()
			r.list(name)
			r.expect(0)
		})
	}
}

// TestTagIsRemoved ends the watch that the repository brought, and no other.
func TestTagIsRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	r.push("app:2", "openssl 1")
	r.push("app:3", "openssl 1")
	name := r.repository(taglist.Filter{})
	r.list(name)
	r.subscribe(r.target("app:2"), notification.VulnUpdate) // by a person
	for _, tag := range []string{"app:1", "app:2"} {
		r.must(r.registry.Delete(t.Context(), tag))
	}
	listing := r.list(name)
	if !slices.Equal(listing.Removed, []string{"1", "2"}) || len(listing.Ended) != 2 {
		t.Errorf("listing %+v", listing)
	}
	if diff := cmp.Diff([]string{"app:2", "app:3"}, r.subscribed()); diff != "" {
		t.Errorf("subscribed (-want +got):\n%s", diff)
	}
	r.expect(0, "system.repository.tags_removed app")
}

// TestStartWatches starts those that were not started yet, and the poller of the
// registry in any case: an earlier run may have started the others and not come to it.
func TestStartWatches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	r.push("app:2", "openssl 1")
	name := r.repository(taglist.Filter{})
	r.list(name)
	r.must(r.store.Started(t.Context(), []image.Target{r.target("app:1")}))
	for _, want := range []int{1, 0} {
		if started := do[int](r, r.steps.StartWatches, name); started != want {
			t.Errorf("%d started, want %d", started, want)
		}
	}
	if diff := cmp.Diff([]string{"start app:2", "registry", "registry"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}
