package activities_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// rescanned is three tags in a world whose matcher is replaced by one that finds
// other things in two of them, before anything is evaluated. The last one's
// subscriber asks for each change.
func rescanned(t *testing.T) (*rig, []image.Target) {
	t.Helper()
	r := newRig(t)
	r.endpoint("chat")
	r.endpoint("mail")
	r.endpoint("audit", notification.EventLog)
	r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "second", URL: r.receiver.URL() + "/second",
		Scope: endpoint.Scope{Subjects: []string{"*/app:2"}}}, r.clock.Now()))
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.push("app:1", "openssl 1")
	r.push("app:2", "openssl 1", "zlib 1")
	r.push("app:3", "curl 1")
	targets := []image.Target{r.settled("app:1"), r.settled("app:2"), r.settled("app:3")}
	r.subscribeTo(subscription.Request{Targets: targets[2:3], Types: []notification.Type{notification.VulnUpdate},
		Options: subscription.Options{Causes: []notification.Cause{notification.CauseScanner}}})
	for _, name := range []string{"chat", "mail", "audit", "second"} {
		do[delivery.Round](r, r.steps.Deliver, name)
	}
	r.receiver.Forget()
	r.matcher.version = "matcher 2"
	delete(r.matcher.data[checksum(1)], "openssl 1")
	r.matcher.knows(checksum(1), "zlib 1", cve("CVE-2026-0002", vuln.Low))
	r.matcher.knows(checksum(1), "curl 1", cve("CVE-2026-0003", vuln.Low))
	fetched := do[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
	do[databuild.Advanced](r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current})
	return r, targets
}

// TestScannerIsSummarized: endpoints are notified once which lists changed, each of
// the tags that it takes; each change can be read.
func TestScannerIsSummarized(t *testing.T) {
	t.Parallel()
	r, targets := rescanned(t)
	r.resync(targets[0])
	if s := do[databuild.Summarized](r, r.steps.Summarize, databuild.SummarizeRequest{}); s.Behind != 2 || s.Notified != 0 {
		t.Errorf("while two tags have yet to check: %+v", s)
	}
	r.resync(targets[1])
	r.resync(targets[2])
	for range 2 { // the second time there is nothing to tell
		do[databuild.Summarized](r, r.steps.Summarize, databuild.SummarizeRequest{})
	}
	got := map[string][]string{}
	for _, name := range []string{"chat", "mail", "audit", "second"} {
		do[delivery.Round](r, r.steps.Deliver, name)
		for _, hook := range r.receiver.All() {
			got[name] = append(got[name], r.lines(hook.Body)...)
		}
		slices.Sort(got[name]) // several attempts are under way at a time
		r.receiver.Forget()
	}
	one, two := "app:1: 0 added, 1 removed", "app:2: 1 added, 1 removed"
	three := "vuln_update scanner app:3"
	want := map[string][]string{"chat": {one, two, three}, "mail": {one, two, three}, "audit": {one, two}, "second": {two}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	stored, err := r.store.Notifications(t.Context(), store.NotificationFilter{Types: []notification.Type{notification.VulnUpdate}})
	r.must(err)
	if len(stored) != 3 {
		t.Errorf("%d changes can be read, want 3", len(stored))
	}
}

// lines are the tags of a summary, or what else a body tells.
func (r *rig) lines(content []byte) (lines []string) {
	r.Helper()
	var body struct {
		Data struct {
			Type    notification.Type `json:"notification_type"`
			Payload struct {
				Key   string `json:"subscription_key"`
				Cause notification.Cause
				Event struct {
					Type    string
					Details struct{ Lists []notification.Revision }
				}
			} `json:"notification_payload"`
		}
	}
	r.must(json.Unmarshal(content, &body))
	payload := body.Data.Payload
	if body.Data.Type != notification.EventLog {
		return []string{string(body.Data.Type) + " " + string(payload.Cause) + " " + r.name(payload.Key)}
	}
	for _, list := range payload.Event.Details.Lists {
		lines = append(lines, fmt.Sprintf("%s: %d added, %d removed", r.name(list.Tag), list.Added, list.Removed))
		if list.Before.Matcher != "matcher 1" || list.Matcher != "matcher 2" {
			r.Errorf("matchers %q and %q", list.Before.Matcher, list.Matcher)
		}
	}
	return lines
}

// name is a tag without its registry.
func (r *rig) name(tag string) string { return strings.TrimPrefix(tag, r.registry.Host()+"/") }

// TestSummaryDoesNotWaitForever: what a tag that is behind finds is notified in the
// next one.
func TestSummaryDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	r, targets := rescanned(t)
	r.resync(targets[0])
	mark := len(r.notified())
	do[databuild.Summarized](r, r.steps.Summarize, databuild.SummarizeRequest{Force: true})
	r.expect(mark, "system.vulnerabilities.scanner_changed vulnerabilities")
	r.resync(targets[1])
	do[databuild.Summarized](r, r.steps.Summarize, databuild.SummarizeRequest{Force: true})
	r.expect(mark+1, "vuln_update scanner app:2", "system.vulnerabilities.scanner_changed vulnerabilities")
}
