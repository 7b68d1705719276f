package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/lab"
)

// crowd watches a repository of that many tags of one image.
func (r *rig) crowd(tags int) image.Repository {
	r.Helper()
	r.push("app:000", "openssl 1")
	for n := 1; n < tags; n++ {
		r.must(r.registry.Tag("app:000", fmt.Sprintf("%03d", n)))
	}
	name := r.repository(taglist.Filter{})
	r.list(name)
	r.registry.Forget()
	return name
}

func (r *rig) heads() int {
	return r.registry.Count(lab.Call{Kind: lab.KindManifest, Method: http.MethodHead})
}

// TestListThatIsCut: whatever a list lacks, no watch ends as long as the registry
// has the tag, and no tag is new when it is listed again.
func TestListThatIsCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, body string }{
		{"empty", `{"name": "app", "tags": []}`},
		{"null", `{"name": "app", "tags": null}`},
		{"the beginning only", `{"name": "app", "tags": ["000", "001"]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			name := r.crowd(100)
			lift := r.registry.Fail(lab.Fault{Path: "/tags/", Status: http.StatusOK, Body: test.body})
			for range 3 {
				if listing := r.list(name); listing.Tags < 100 || len(listing.Removed) > 0 || listing.Problem != nil {
					t.Errorf("listing %+v", listing)
				}
			}
			lift()
			if listing := r.list(name); len(listing.New) > 0 {
				t.Errorf("new afterwards: %v", listing.New)
			}
			if asked := r.heads(); asked > 3*20 {
				t.Errorf("%d tags are looked for where one suffices", asked)
			}
			for _, line := range r.notified() {
				if strings.Contains(line, "removed") {
					t.Errorf("notified %s", line)
				}
			}
		})
	}
}

// TestMostTagsGo: if most tags are gone at once, the next list has to say so too;
// then each of them is looked for.
func TestMostTagsGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	name := r.crowd(100)
	for n := range 60 {
		r.must(r.registry.Delete(t.Context(), fmt.Sprintf("app:%03d", n)))
	}
	first := r.list(name)
	if first.Tags != 100 || len(first.Ended) > 0 || first.Problem == nil || first.Problem.Stage != condition.StageConfirm ||
		!strings.Contains(first.Problem.Message, "60 of 100 watched tags are gone at once") {
		t.Errorf("the first list: %+v, %+v", first, first.Problem)
	}
	if second := r.list(name); second.Tags != 40 || len(second.Ended) != 60 || second.Problem != nil {
		t.Errorf("the second list: %+v", second)
	}
	r.expect(0, "system.repository.list_tags_fail app", "system.repository.tags_removed app", "system.repository.list_tags_recovered app")
}

// TestMostTagsGoForAMoment: a registry that lost its storage, and found it again.
func TestMostTagsGoForAMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	name := r.crowd(100)
	r.registry.Fail(lab.Fault{Path: "/tags/", Status: http.StatusOK, Body: `{"tags": []}`})
	r.registry.Fail(lab.Fault{Path: "/manifests/", Status: http.StatusNotFound})
	if listing := r.list(name); listing.Tags != 100 || listing.Problem == nil {
		t.Errorf("while it is gone: %+v", listing)
	}
	r.registry.Heal()
	if listing := r.list(name); listing.Tags != 100 || len(listing.New)+len(listing.Removed) > 0 || listing.Problem != nil {
		t.Errorf("afterwards: %+v", listing)
	}
	r.expect(0, "system.repository.list_tags_fail app", "system.repository.list_tags_recovered app")
}

// TestListOfARegistryThatIsAway is its poller's to tell, once for everything.
func TestListOfARegistryThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	name := r.crowd(3)
	r.must(r.registry.Pause())
	for range 2 {
		if listing := r.list(name); listing.Problem == nil || listing.Problem.Stage != condition.StageResolve || listing.Tags != 3 {
			t.Errorf("listing %+v", listing)
		}
	}
	r.must(r.registry.Resume())
	if listing := r.list(name); listing.Problem != nil || len(listing.New) > 0 {
		t.Errorf("listing %+v", listing)
	}
	r.expect(0)
}

// TestListOfHostileNames: what no tag may be called is not watched.
func TestListOfHostileNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:good", "openssl 1")
	name := r.repository(taglist.Filter{})
	r.registry.Fail(lab.Fault{Path: "/tags/", Status: http.StatusOK,
		Body: `{"tags": ["good", "no tag", "x@linux/arm64", "../../etc/passwd", "a:b", "sha256:0", "-dash", "` + strings.Repeat("x", 129) + `"]}`})
	r.list(name)
	if got := r.subscribed(); !slices.Equal(got, []string{"app:good"}) {
		t.Errorf("subscribed %q", got)
	}
	r.poll()
}

// TestTooManyTags: a repository that somebody fills changes nothing.
func TestTooManyTags(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:000", "openssl 1")
	name := r.target("app:000").Reference.Repository
	r.must(r.store.SaveRepository(t.Context(), taglist.Repository{Name: name, Most: 2}, r.clock.Now()))
	r.list(name)
	for n := 1; n < 5; n++ {
		r.must(r.registry.Tag("app:000", fmt.Sprintf("%03d", n)))
	}
	for range 2 {
		if listing := r.list(name); listing.Problem == nil || listing.Problem.Kind != errkind.Name(errkind.Limit) || listing.Tags != 1 {
			t.Errorf("listing %+v", listing)
		}
	}
	r.expect(0, "system.repository.list_tags_fail app")
}
