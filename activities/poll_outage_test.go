package activities_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/lab"
)

// TestOutageThatChecksLikeAnswers: what answers everything alike is not the
// registry. That is one problem of the registry and none of any tag.
func TestOutageThatChecksLikeAnswers(t *testing.T) {
	t.Parallel()
	page := http.Header{"Content-Type": {"text/html"}}
	for _, test := range []struct {
		name  string
		fault lab.Fault
	}{
		{"an ingress without a backend", lab.Fault{Status: http.StatusNotFound, Body: "default backend - 404"}},
		{"an ingress that has JSON", lab.Fault{Status: http.StatusNotFound, Body: `{"message":"no Route matched"}`}},
		{"a log-in page", lab.Fault{Status: http.StatusOK, Header: page, Body: "<!DOCTYPE html><title>Log in</title>"}},
		{"a plain page", lab.Fault{Status: http.StatusOK, Body: "It works!"}},
		{"a firewall", lab.Fault{Status: http.StatusForbidden, Header: page, Body: "<h1>Blocked</h1>"}},
		{"a domain that is for sale", lab.Fault{Status: http.StatusGone}},
		{"an odd proxy", lab.Fault{Status: http.StatusBadRequest, Body: "bad request"}},
	} {
		for _, tags := range []int{1, 2, 40} {
			t.Run(fmt.Sprintf("%s, %d tags", test.name, tags), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				r.endpoint("ops")
				var targets []image.Target
				for n := range tags {
					name := fmt.Sprintf("app:%d", n)
					r.push(name, "a 1")
					targets = append(targets, r.settled(name))
				}
				r.poll()
				r.watchers.take()
				before := len(r.notified())

				r.registry.Fail(test.fault)
				r.clock.advance(time.Hour)
				polled := r.poll()
				if polled.Problem == nil || polled.Problem.Kind != errkind.Name(errkind.Unavailable) || polled.Limited {
					t.Errorf("polled %+v", polled)
				}
				if woken := r.watchers.take(); len(woken) > 0 {
					t.Errorf("woken: %v", woken)
				}
				for _, target := range targets {
					if seen := r.resync(target); seen.Problem == nil || seen.Problem.Kind != errkind.Name(errkind.Unavailable) || seen.Resolved.Manifest == "" {
						t.Fatalf("%s: %+v, %+v", target, seen, seen.Problem)
					}
				}
				failing := "system.registry.failing " + r.registry.Host()
				r.expect(before, failing)
				if report := do[polling.Report](r, r.steps.CheckRegistry, r.registry.Host()); report.Works {
					t.Errorf("check %+v", report)
				}

				r.registry.Heal()
				if report := do[polling.Report](r, r.steps.CheckRegistry, r.registry.Host()); !report.Works {
					t.Fatalf("check %+v", report)
				}
				r.clock.advance(time.Hour)
				if polled := r.poll(); polled.Problem != nil || polled.Checked != tags || polled.Moved != 0 {
					t.Errorf("polled %+v", polled)
				}
				r.expect(before, failing, "system.registry.recovered "+r.registry.Host())
			})
		}
	}
}

// TestTagsThatAreGone are believed gone, however many, when their registry
// answers for itself.
func TestTagsThatAreGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var names []string
	for n := range 40 {
		names = append(names, fmt.Sprintf("app:%d", n))
	}
	r.watched(names...)
	for _, name := range names[1:] {
		r.must(r.registry.Delete(t.Context(), name))
	}
	r.clock.advance(time.Hour)
	if polled := r.poll(); polled.Problem != nil || polled.Moved != len(names)-1 {
		t.Errorf("polled %+v", polled)
	}
	if asked := r.registry.Count(lab.Call{Kind: lab.KindPing}); asked > 5 {
		t.Errorf("%d questions whether the registry is one", asked)
	}
}

// TestLimitOnTheWay: after a rate limit without a time, the poll goes on after a short
// pause and checks every due tag.
func TestLimitOnTheWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		said lab.Fault
	}{
		{"without a word", lab.Fault{}},
		{"a fraction of a second in words", lab.Fault{Body: `{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 411.235µs, allowed: 44000/minute"}]}`}},
		{"at once", lab.Fault{Header: http.Header{"Retry-After": {"0"}}}},
		{"a second", lab.Fault{Header: http.Header{"Retry-After": {"1"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var names []string
			for n := range 50 {
				names = append(names, fmt.Sprintf("app:%d", n))
			}
			r.watched(names...)
			for _, n := range []string{"7", "33"} {
				said := test.said
				said.Status, said.Times, said.Path = http.StatusTooManyRequests, 1, "/manifests/"+n
				r.registry.Fail(said)
			}
			r.clock.advance(time.Hour)
			if polled := r.poll(); polled.Problem != nil || polled.Failed != 0 || polled.Checked != len(names) {
				t.Errorf("polled %+v, %+v", polled, polled.Problem)
			}
		})
	}
}

// TestLimitThatLeavesSomething: a poll that a rate limit ends early reports no problem
// and waits as long as the registry said; the next poll goes on where it ended.
func TestLimitThatLeavesSomething(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var names []string
	for n := range 50 {
		names = append(names, fmt.Sprintf("app:%d", n))
	}
	r.watched(names...)
	var asked atomic.Int64
	r.registry.Fail(lab.Fault{Path: "/manifests/", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}},
		When: func(*http.Request) bool { return asked.Add(1) > 20 }})
	r.clock.advance(time.Hour)
	polled := r.poll()
	if polled.Problem != nil || !polled.Limited || polled.Checked < 10 || polled.Checked > 20 || polled.Wait < 55*time.Second || polled.Wait > time.Minute {
		t.Errorf("polled %+v, %+v", polled, polled.Problem)
	}
	if polled := r.poll(); polled.Problem == nil || !polled.Limited || polled.Checked != 0 || polled.Wait < 30*time.Second {
		t.Errorf("nothing was answered: %+v, %+v", polled, polled.Problem)
	}
}
