package e2e_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// flaws are the data of the feed's story: a flaw of zlib of that severity and,
// from another provider, one of lodash.
func flaws(severity string) []feed.Vulnerability {
	return []feed.Vulnerability{
		{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: severity},
		{Provider: feed.GitHub, ID: "GHSA-35jh-r3h4-6jhm", Package: "lodash", Ecosystem: "npm",
			Affected: "<4.17.21", Fixed: "4.17.21", Severity: "Medium", Aliases: []string{"CVE-2021-23337"}},
	}
}

// TestFeedStory: a severity that changes is one update with the one before; the
// same data again are silence; a provider that is gone is held until a person
// releases it, and only who asks for the event log hears of that.
func TestFeedStory(t *testing.T) {
	t.Parallel()
	i := install(t)
	audit := made(lab.NewReceiver())(t)
	t.Cleanup(func() { audit.Close() })
	i.do("endpoint", "add", "audit", audit.URL(), "--type", "event_log")
	i.offer(flaws("High")...)
	i.do("feed", "sync")
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...), lab.Node("/srv/api", lab.NodeModule{Name: "lodash", Version: "4.17.20"}))
	i.do("subscribe", "--wait", reference)
	i.notified(1)

	i.offer(flaws("Critical")...)
	i.do("feed", "sync")
	update := i.updates(2)[0]
	if len(update.Added)+len(update.Removed) > 0 || len(update.Updated) != 1 || update.Updated[0].Previous.Severity != "High" || update.Updated[0].Severity != "Critical" {
		t.Errorf("the severity changed, but notified was %+v", update)
	}

	same := i.offer(flaws("Critical")...) // built anew
	i.do("feed", "sync")
	before := i.feedState()

	lost := i.offer(flaws("Critical")[:1]...)
	i.onHold("without a provider")
	must(t, i.feed.Publish(same)) // the publisher thinks better of it
	if out := i.do("feed", "sync"); !strings.Contains(out, "is no longer on hold") || i.feedState().Held != nil {
		t.Errorf("once the current data is listed again: %s%+v", out, i.feedState())
	}
	must(t, i.feed.Publish(lost))
	i.onHold("without a provider, again")
	state := i.feedState()
	if state.Current.Checksum != before.Current.Checksum || state.Held == nil || !strings.Contains(strings.Join(state.Reasons, "\n"), "provider github is gone") {
		t.Errorf("state with a held build: %+v", state)
	}
	held := made(audit.Next(t.Context()))(t)
	if !strings.Contains(string(held.Body), "system.feeds.sync.held") {
		t.Errorf("the event log received %s", held.Body)
	}

	i.do("feed", "release")
	removal := i.updates(3)[1]
	if len(removal.Removed) != 1 || len(removal.Added)+len(removal.Updated) > 0 {
		t.Errorf("the released data removed one, but notified was %+v", removal)
	}
	if got, want := kinds(i.notified(3)), map[string]int{"analysis_update": 1, "vuln_update": 2}; !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
}

// TestFeedDates: what the data says of its dates, and the listing of its future,
// is shown wherever data is shown, and notified once.
func TestFeedDates(t *testing.T) {
	t.Parallel()
	i := install(t)
	audit := made(lab.NewReceiver())(t)
	t.Cleanup(func() { audit.Close() })
	i.do("endpoint", "add", "audit", audit.URL(), "--type", "event_log")
	before := i.feedState()

	ahead := made(feed.BuildAt(t.TempDir(), time.Now().AddDate(0, 0, 30), flaws("High")...))(t)
	must(t, i.feed.Publish(ahead))
	i.onHold("from the future")
	if state := i.feedState(); state.Current.Checksum != before.Current.Checksum || !strings.Contains(strings.Join(state.Reasons, "\n"), "in the future") {
		t.Errorf("state %+v", state)
	}
	past := time.Now().AddDate(0, 0, -152).UTC().Format("2006-01-02 15:04:05+00:00")
	old := made(feed.BuildEdited(t.TempDir(), time.Now(), []string{"UPDATE providers SET date_captured = '" + past + "' WHERE id = 'debian'"}, flaws("High")...))(t)
	must(t, i.feed.Publish(old, feed.StateStatus("eol")))
	i.onHold("with a provider that went back")
	i.do("feed", "release")
	i.do("feed", "sync") // twice, to be notified once
	var kinds []string
	for _, c := range i.feedState().Conditions {
		kinds = append(kinds, c.Kind+" "+c.Provider)
	}
	if want := []string{"provider.outdated debian", "source.eol "}; !slices.Equal(kinds, want) {
		t.Errorf("conditions %q, want %q", kinds, want)
	}
	for name, shown := range map[string]string{"feed status": i.do("feed", "status"), "doctor": i.do("doctor"), "page": i.page("/feed")} {
		for _, want := range []string{"provider debian", past[:10], "eol"} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s does not show %q:\n%s", name, want, shown)
			}
		}
	}
	if metrics := i.page("/metrics"); !strings.Contains(metrics, `tagwatch_feed_conditions{kind="provider.outdated"} 1`) {
		t.Errorf("metrics:\n%s", metrics)
	}
	counts := map[string]int{}
	for range 5 {
		hook := made(audit.Next(t.Context()))(t)
		counts[string(regexp.MustCompile(`system\.feeds[a-z_.]*`).Find(hook.Body))]++
	}
	if want := map[string]int{"system.feeds.sync.held": 2, "system.feeds.sync.hold_ended": 1, "system.feeds.source.eol": 1, "system.feeds.provider.outdated": 1}; !maps.Equal(counts, want) {
		t.Errorf("notified %v, want %v", counts, want)
	}
}

// onHold asks for new data, which must be put on hold.
func (i *installation) onHold(data string) {
	i.t.Helper()
	if result := made(i.Run(i.t.Context(), "feed", "sync"))(i.t); result.Code != 1 || i.feedState().Held == nil {
		i.t.Errorf("data %s: exit code %d: %s%s", data, result.Code, result.Out, result.Err)
	}
}

// page is what a worker shows at an address.
func (i *installation) page(path string) string {
	i.t.Helper()
	answer := made(http.Get("http://" + i.Listen() + path))(i.t)
	defer answer.Body.Close()
	return string(made(io.ReadAll(answer.Body))(i.t))
}

// TestFeedRecovers: a source that fails or publishes rubbish shows in the state,
// leaves the current data alone, and is forgotten as soon as it does well.
func TestFeedRecovers(t *testing.T) {
	t.Parallel()
	i := install(t)
	before := i.feedState()
	broken := made(feed.Build(t.TempDir(), flaws("High")...))(t)
	says := map[string]string{"text/html": "Sign in", "corrupt": "checksum", "answers 500": "500"}
	page := lab.Fault{Path: feed.ListingPath, Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<title>Sign in</title>"}
	for name, breakIt := range map[string]func() (mend func()){
		"text/html": func() func() { return i.feed.Fail(page) },
		"corrupt":   func() func() { must(t, i.feed.Publish(broken, feed.Corrupt)); return func() {} },
		"answers 500": func() func() {
			return i.feed.Fail(lab.Fault{Path: feed.ListingPath, Status: http.StatusInternalServerError})
		},
	} {
		mend := breakIt()
		if result := made(i.Run(t.Context(), "feed", "sync"))(t); result.Code == 0 {
			t.Errorf("%s: the command succeeded: %s", name, result.Out)
		}
		if state := i.feedState(); state.Problem == nil || !strings.Contains(state.Problem.Message, says[name]) || state.Current.Checksum != before.Current.Checksum {
			t.Errorf("%s: state %+v", name, state)
		}
		mend()
	}
	must(t, i.feed.Publish(broken)) // whole this time
	i.do("feed", "sync")
	if state := i.feedState(); state.Problem != nil || state.Current.Checksum != broken.Checksum {
		t.Errorf("state after the recovery: %+v", state)
	}
	i.withoutNetwork(broken)
}

// withoutNetwork: while nobody answers, data come from a file, and a person goes
// back to those before.
func (i *installation) withoutNetwork(before feed.Database) {
	i.t.Helper()
	defer i.feed.Fail(lab.Fault{Path: "/", Drop: true})()
	carried := made(feed.Build(i.t.TempDir(), flaws("Low")...))(i.t)
	for _, step := range []struct {
		command []string
		want    feed.Database
	}{
		{[]string{"feed", "import", carried.Archive}, carried},
		{[]string{"feed", "rollback"}, before},
		{[]string{"feed", "import", carried.Archive, "--remote"}, carried}, // the person knows better
	} {
		i.do(step.command...)
		if state := i.feedState(); state.Current.Checksum != step.want.Checksum {
			i.t.Errorf("after %v: state %+v", step.command, state)
		}
	}
}

// offer publishes data built anew.
func (i *installation) offer(vulnerabilities ...feed.Vulnerability) feed.Database {
	i.t.Helper()
	return made(i.feed.PublishBuild(i.t.TempDir(), vulnerabilities...))(i.t)
}

// feedState is what the tests read of tagwatch feed status.
type feedState struct {
	Current struct{ Checksum string }
	Held    *struct{ Checksum string }
	Reasons []string `json:"held_because"`
	Problem *struct{ Message string }

	Conditions []struct{ Kind, Provider string }
}

func (i *installation) feedState() (state feedState) {
	i.t.Helper()
	must(i.t, json.Unmarshal([]byte(i.do("feed", "status", "-o", "json")), &state))
	return state
}

// difference is what a vuln_update says.
type difference struct {
	Added, Removed, Updated []struct {
		Severity string
		Previous struct{ Severity string }
	}
}

// updates waits for n notifications and returns what the vuln_update among them
// say, in order of arrival. All are caused by the feed.
func (i *installation) updates(n int) (found []difference) {
	i.t.Helper()
	i.notified(n)
	for _, hook := range i.receiver.All() {
		var body struct {
			Kind string `json:"queueId"`
			Data struct {
				Payload struct {
					Cause string
					Diff  difference `json:"diff_vulnerability_result"`
				} `json:"notification_payload"`
			}
		}
		must(i.t, json.Unmarshal(hook.Body, &body))
		if body.Kind != "vuln_update" {
			continue
		}
		if body.Data.Payload.Cause != "feed" {
			i.t.Errorf("a vuln_update came with cause %q", body.Data.Payload.Cause)
		}
		found = append(found, body.Data.Payload.Diff)
	}
	return found
}
