package activities_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// engineRig is a rig with a container engine whose Compose service web has five
// containers of app:1.
type engineRig struct {
	*rig
	// runs are the digests of the containers.
	runs atomic.Pointer[[]image.Digest]
}

func newEngineRig(t *testing.T, kept *store.Store) *engineRig {
	r := &engineRig{rig: newRigOn(t, kept)}
	reader, err := sources.New(sources.Options{})
	r.must(err)
	r.steps.Sources = reader
	server := httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(server.Close)
	r.must(r.store.SaveSource(t.Context(), source.Source{Name: "home", Kind: source.Docker, Paths: []string{"tcp://" + strings.TrimPrefix(server.URL, "http://")},
		Types: notification.TagTypes}, r.clock.Now()))
	return r
}

func (r *engineRig) answer(w http.ResponseWriter, request *http.Request) {
	repository := strings.TrimSuffix(r.registry.Reference("app:1"), ":1")
	id, isImage := strings.CutPrefix(request.URL.Path, "/images/")
	id = strings.TrimSuffix(id, "/json")
	switch {
	case request.URL.Path == "/containers/json":
		var containers []map[string]any
		for i, digest := range *r.runs.Load() {
			containers = append(containers, map[string]any{"Id": fmt.Sprint("c", i), "Names": []string{fmt.Sprint("/shop-web-", i)}, "Image": repository + ":1", "ImageID": digest,
				"Labels": map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}})
		}
		_ = json.NewEncoder(w).Encode(containers) // the reading fails without
	case isImage:
		_ = json.NewEncoder(w).Encode(map[string]any{"RepoDigests": []string{repository + "@" + id}, "Os": "linux", "Architecture": "amd64"})
	case request.URL.Path == "/info":
		_, _ = w.Write([]byte(`{"Swarm": {"LocalNodeState": "inactive"}}`)) // the reading fails without
	default:
		w.WriteHeader(http.StatusServiceUnavailable) // it manages no Swarm
	}
}

// runsNow has the containers run those images, and reads the source.
func (r *engineRig) runsNow(digests ...image.Digest) {
	r.Helper()
	r.runs.Store(&digests)
	r.clock.advance(time.Minute)
	if listing := do[source.Listing](r.rig, r.steps.ReadSource, "home"); listing.Problem != nil {
		r.Fatalf("listing %+v", listing.Problem)
	}
}

func (r *engineRig) status() string {
	r.Helper()
	running, err := r.store.Running(r.Context(), []image.Target{r.target("app:1")})
	r.must(err)
	found := running[r.target("app:1")]
	return fmt.Sprintf("%d of %d, %d older, %d unknown", found.Current, found.Total, found.Older, found.Unknown)
}

// TestRollOut follows a tag that moves while its containers are replaced.
func TestRollOut(t *testing.T) {
	t.Parallel()
	r := newEngineRig(t, storetest.Open(t))
	r.endpoint("hook")
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.High), cve("CVE-2026-0002", vuln.High))
	r.data(1)
	before := r.push("app:1", "openssl 1")
	r.runsNow(before, before, before, before, before)
	app := r.target("app:1")
	r.resync(app)
	if got := r.status(); got != "5 of 5, 0 older, 0 unknown" {
		t.Fatalf("at first: %s", got)
	}
	after := r.push("app:1", "openssl 9")
	r.clock.advance(time.Hour)
	r.resync(app)
	if got := r.status(); got != "0 of 5, 5 older, 0 unknown" {
		t.Errorf("after the move: %s", got)
	}
	if got := r.summaries(notification.TagUpdate); len(got) != 1 || !strings.Contains(got[0], "5 of 5 containers still run an older image: service shop/web") {
		t.Errorf("tag_update: %v", got)
	}
	for range 2 {
		r.runsNow(before, before, before, after, after)
	}
	if got := r.status(); got != "2 of 5, 3 older, 0 unknown" {
		t.Errorf("in the middle of the roll-out: %s", got)
	}
	r.feed.offers(description(2)) // news of the image that the tag has left
	r.sync(databuild.SyncRequest{})
	r.affected("CVE-2026-0002", "service shop/web 3 of openssl, older")
	r.runsNow(after, after, after, after, after)
	if got := r.status(); got != "5 of 5, 0 older, 0 unknown" {
		t.Errorf("after the roll-out: %s", got)
	}
	r.affected("CVE-2026-0002")
	if got := r.summaries(notification.RuntimeUpdate); len(got) != 1 || !strings.Contains(got[0], "it is the image that the tag points to") {
		t.Errorf("runtime_update: %v", got)
	}
}

// summaries are those of the notifications of a type.
func (r *engineRig) summaries(kind notification.Type) (lines []string) {
	r.Helper()
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{Types: []notification.Type{kind}})
	r.must(err)
	for _, n := range stored {
		lines = append(lines, n.Summary)
	}
	return lines
}

// affected expects the workloads that have the vulnerability.
func (r *engineRig) affected(id string, want ...string) {
	r.Helper()
	found, err := r.store.Affected(r.Context(), id)
	r.must(err)
	var got []string
	for _, each := range found {
		for _, w := range each.Workloads {
			got = append(got, fmt.Sprintf("%s %d of %s, %s", w.Key, w.Count, each.Package, w.Age))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("%s affects (-want +got)\n%s", id, diff)
	}
}
