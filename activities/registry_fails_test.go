package activities_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/lab"
)

// TestRegistryThatFailsIsTroubleOfOne: whatever makes a whole registry fail, its
// tags' own passes cost it next to nothing, tell nothing and keep their images.
// That it fails, and that it recovered, is its poller's to tell.
func TestRegistryThatFailsIsTroubleOfOne(t *testing.T) {
	const tags = 40
	for _, test := range []struct {
		name     string
		fail     func(r *rig)
		mend     func(r *rig)
		requests int // at most, for a poll and a resync of each tag
	}{
		{"errors", func(r *rig) { r.registry.Fail(lab.Fault{Status: http.StatusBadGateway}) }, func(r *rig) { r.registry.Heal() }, 24},
		{"broken connections", func(r *rig) { r.registry.Fail(lab.Fault{Drop: true}) }, func(r *rig) { r.registry.Heal() }, 60}, // net/http tries some again
		{"credentials that are refused", func(r *rig) { r.registry.RequireBasicAuth("robot", "changed") }, func(r *rig) { r.registry.RequireBasicAuth("robot", "hunter2") }, 64},
		{"gone", func(r *rig) { r.must(r.registry.Pause()) }, func(r *rig) { r.must(r.registry.Resume()) }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.loggedIn("robot", "hunter2")
			r.registry.RequireBasicAuth("robot", "hunter2")
			r.endpoint("ops")
			var targets []image.Target
			for n := range tags {
				name := fmt.Sprintf("app:%d", n)
				r.push(name, "a 1")
				targets = append(targets, r.settled(name))
			}
			r.poll()
			before := len(r.notified())
			r.registry.Forget()

			test.fail(r)
			r.clock.advance(time.Hour)
			if polled := r.poll(); polled.Problem == nil || polled.Problem.Kind != errkind.Name(errkind.Unavailable) || polled.Wait < 30*time.Second {
				t.Errorf("polled %+v", polled)
			}
			for _, target := range targets {
				if seen := r.resync(target); seen.Problem == nil || seen.Resolved.Manifest == "" || seen.Changed {
					t.Fatalf("%s: %+v", target, seen)
				}
			}
			failing := "system.registry.failing " + r.registry.Host()
			r.expect(before, failing)
			if asked := len(r.registry.Calls()); asked > test.requests {
				t.Errorf("%d requests to a registry that fails, want %d at most", asked, test.requests)
			}

			test.mend(r)
			// A person who has put it right need not wait for the next try.
			if report := do[polling.Report](r, r.steps.CheckRegistry, r.registry.Host()); !report.Works || report.Worker == "" {
				t.Fatalf("check %+v", report)
			}
			r.clock.advance(time.Hour)
			if polled := r.poll(); polled.Problem != nil || polled.Checked != tags || polled.Moved != 0 || polled.RateLimit.Concurrency != 8 {
				t.Errorf("polled %+v", polled)
			}
			for _, target := range targets {
				if seen := r.resync(target); seen.Problem != nil {
					t.Fatalf("%s: %+v", target, seen.Problem)
				}
			}
			r.expect(before, failing, "system.registry.recovered "+r.registry.Host())
		})
	}
}

// loggedIn gives the worker credentials for the registry.
func (r *rig) loggedIn(user, password string) {
	r.Helper()
	directory := r.TempDir()
	r.Setenv("DOCKER_CONFIG", directory)
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	r.must(os.WriteFile(filepath.Join(directory, "config.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, r.registry.Host(), auth), 0o600))
}

func TestCheckRegistryRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := try[polling.Report](r, r.steps.CheckRegistry, "no registry")
	expectFault(t, err, errkind.Invalid, false)
}
