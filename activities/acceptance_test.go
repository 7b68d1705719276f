package activities_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// unfixed is a vulnerability without a fix that a GHSA reports too.
func unfixed() vuln.Finding {
	f := cve("CVE-2026-1", vuln.High)
	f.Fix = vuln.Fix{State: vuln.FixNone}
	f.Related = []vuln.Related{{ID: "GHSA-aaaa-bbbb-cccc"}}
	return f
}

// acceptable has a tag that fails for that vulnerability, another of the same image, and one
// without it.
func acceptable(t *testing.T) (r *rig, flawed, twin, sound image.Target) {
	r = newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", unfixed())
	r.data(1)
	r.activate("first", "high")
	r.endpoint("hook")
	r.push("web/app:1", "openssl 1")
	r.push("db/app:1", "openssl 1")
	r.push("web/sound:1", "openssl 2")
	flawed, twin, sound = r.settled("web/app:1"), r.settled("db/app:1"), r.settled("web/sound:1")
	r.watchers.take()
	return r, flawed, twin, sound
}

// accept stores an acceptance and has the tags evaluated that it concerns.
func (r *rig) accept(a acceptance.Acceptance) (acceptance.Acceptance, watch.Reevaluated) {
	r.Helper()
	a.Reason, a.Owner, a.By, a.Created = "not reachable", "web", "somebody", r.clock.Now()
	stored, err := r.store.Accept(r.Context(), []acceptance.Acceptance{a})
	r.must(err)
	return stored[0], r.reevaluate()
}

func (r *rig) reevaluate() watch.Reevaluated {
	r.Helper()
	return do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
}

// acceptances are those that began and ended, in the body of the last notification of a type.
func (r *rig) acceptances(kind notification.Type) (names []string) {
	r.Helper()
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{Types: []notification.Type{kind}})
	r.must(err)
	var body struct {
		Acceptances struct {
			Begun, Ended []struct {
				ID            int64
				Vulnerability string
				Reason        string
				EndedBy       string `json:"ended_by"`
			}
		}
	}
	r.must(json.Unmarshal(stored[len(stored)-1].Payload, &body))
	for _, c := range body.Acceptances.Begun {
		names = append(names, "begun "+c.Vulnerability+" "+c.Reason)
	}
	for _, c := range body.Acceptances.Ended {
		names = append(names, c.EndedBy+" "+c.Vulnerability+" "+c.Reason)
	}
	return names
}

// named checks which acceptances both bodies name.
func (r *rig) named(want ...string) {
	r.Helper()
	for _, kind := range []notification.Type{notification.VulnUpdate, notification.PolicyEval} {
		if got := r.acceptances(kind); !slices.Equal(got, want) {
			r.Errorf("%s names %q, want %q", kind, got, want)
		}
	}
}

// quiet checks that neither a restart of everything nor a resync finds anything to notify.
func (r *rig) quiet(targets ...image.Target) {
	r.Helper()
	mark := len(r.notified())
	requests := len(r.registry.Calls())
	r.reevaluate()
	if made := len(r.registry.Calls()) - requests; made > 0 {
		r.Errorf("%d requests to the registry for an acceptance", made)
	}
	for _, target := range targets {
		r.resync(target) // which may be of older data
		if seen := r.resync(target); seen.Changed {
			r.Errorf("the resync of %s finds its outcome out of date", target)
		}
	}
	r.expect(mark)
}

func TestAcceptUntilFixed(t *testing.T) {
	t.Parallel()
	r, flawed, twin, sound := acceptable(t)
	mark := len(r.notified())
	_, done := r.accept(acceptance.Acceptance{Vulnerability: "GHSA-aaaa-bbbb-cccc", Subject: flawed.Reference.Registry + "/web/*"})
	if done.Evaluated != 1 || done.StatusChanged != 1 || done.Outdated != 0 {
		t.Errorf("%+v, want one evaluated, which changed its status", done)
	}
	r.expect(mark, "vuln_update acceptance web/app:1", "policy_eval acceptance web/app:1")
	r.named("begun CVE-2026-1 not reachable")
	r.quiet(flawed, twin, sound)

	mark = len(r.notified())
	r.matcher.knows(checksum(2), "openssl 1", unfixed()) // newer data, without a fix
	r.matcher.knows(checksum(3), "openssl 1", func() vuln.Finding { f := unfixed(); f.Fix = cve("", vuln.High).Fix; return f }())
	r.data(2)
	r.expect(mark)
	r.quiet(flawed, twin, sound)
	r.data(3)
	var told []string
	for _, line := range r.notified()[mark:] {
		if strings.HasSuffix(line, "web/app:1") {
			told = append(told, line)
		}
	}
	if diff := cmp.Diff([]string{"vuln_update feed web/app:1", "policy_eval feed web/app:1"}, told); diff != "" {
		t.Errorf("notified of the fix (-want +got)\n%s", diff)
	}
	r.quiet(flawed, twin, sound)
	for _, line := range r.notified()[mark:] {
		if line == "policy_eval feed db/app:1" {
			t.Error("the status of the other tag did not change, and was notified")
		}
	}
}

func TestAcceptUntilATime(t *testing.T) {
	t.Parallel()
	r, flawed, twin, sound := acceptable(t)
	mark := len(r.notified())
	until := r.clock.Now().Add(24 * time.Hour)
	_, done := r.accept(acceptance.Acceptance{Vulnerability: "CVE-2026-1", Until: until, Subject: flawed.Reference.Repository.String()})
	if done.Evaluated != 1 {
		t.Errorf("%+v, want one evaluated", done)
	}
	r.expect(mark, "vuln_update acceptance web/app:1", "policy_eval acceptance web/app:1")
	if woken := r.watchers.take(); !slices.Contains(woken, "policy web/app:1") {
		t.Errorf("woken %q: the watcher has to know when it ends", woken)
	}
	if seen := r.resync(flawed); !seen.Next.Equal(until) {
		t.Errorf("next %s, want %s", seen.Next, until)
	}
	r.clock.set(until.Add(-time.Microsecond))
	r.quiet(flawed, twin, sound)

	mark = len(r.notified())
	r.clock.set(until)
	r.resync(flawed)
	r.expect(mark, "vuln_update time web/app:1", "policy_eval time web/app:1")
	r.named("time CVE-2026-1 not reachable")
	r.quiet(flawed, twin, sound)
}

func TestRevokeAndExtend(t *testing.T) {
	t.Parallel()
	r, flawed, twin, sound := acceptable(t)
	accepted, done := r.accept(acceptance.Acceptance{Vulnerability: "cve-2026-1", Package: "openssl", Until: r.clock.Now().Add(time.Hour)})
	if done.Evaluated != 2 || done.StatusChanged != 2 {
		t.Errorf("%+v, want two evaluated, which changed their status", done)
	}
	mark := len(r.notified())
	later := r.clock.Now().Add(48 * time.Hour)
	_, err := r.store.ExtendAcceptance(r.Context(), accepted.ID, later, "somebody", r.clock.Now())
	r.must(err)
	if done = r.reevaluate(); done.Evaluated != 2 || done.StatusChanged != 0 {
		t.Errorf("%+v, want two evaluated, with the same status", done)
	}
	r.clock.advance(2 * time.Hour)
	r.resync(flawed)
	r.expect(mark) // nothing is another way because it is extended
	if seen := r.resync(flawed); !seen.Next.Equal(later) {
		t.Errorf("next %s, want %s", seen.Next, later)
	}
	_, err = r.store.RevokeAcceptance(r.Context(), accepted.ID, "somebody", r.clock.Now())
	r.must(err)
	r.resync(twin) // which comes before the step that evaluates all
	r.expect(mark, "vuln_update acceptance db/app:1", "policy_eval acceptance db/app:1")
	r.named("revoked CVE-2026-1 not reachable")
	r.reevaluate()
	r.expect(mark, "vuln_update acceptance db/app:1", "policy_eval acceptance db/app:1",
		"vuln_update acceptance web/app:1", "policy_eval acceptance web/app:1")
	r.quiet(flawed, twin, sound)
}

// What is accepted stays in lists, marked, unless the endpoint drops it.
func TestAcceptedFindingsAreMarked(t *testing.T) {
	t.Parallel()
	r, flawed, _, _ := acceptable(t)
	r.accept(acceptance.Acceptance{Vulnerability: "CVE-2026-2"})
	if notified := len(r.notified()); notified != 3 {
		t.Errorf("%q for an acceptance of what no tag has", r.notified())
	}
	r.must(r.store.SaveEndpoint(r.Context(), endpoint.Endpoint{Name: "unaccepted", URL: r.receiver.URL(), Types: []notification.Type{notification.VulnUpdate}, When: "!accepted"}, r.clock.Now()))
	r.matcher.knows(checksum(2), "openssl 1", unfixed(), func() vuln.Finding { f := cve("CVE-2026-2", vuln.High); f.Fix = vuln.Fix{}; return f }())
	r.data(2)
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{Types: []notification.Type{notification.VulnUpdate}, Subject: flawed.String()})
	r.must(err)
	if len(stored) != 1 || !strings.Contains(string(stored[0].Payload), `"Accepted":{"id":1,"reason":"not reachable","owner":"web"}`) {
		t.Errorf("notified %+v", stored)
	}
	deliveries, err := r.store.Deliveries(r.Context(), store.DeliveryFilter{Endpoint: "unaccepted"})
	r.must(err)
	if len(deliveries) != 0 {
		t.Errorf("an endpoint that drops accepted findings gets %+v", deliveries)
	}
}
