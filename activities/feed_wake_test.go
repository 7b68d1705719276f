package activities_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// nameEdits change how vulnerabilities are called, and what gates read beside.
var nameEdits = []feedEdit{
	{"vector", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].CVSS = []string{"", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"}[r.IntN(3)]
		return (*k)[at].Provider == labfeed.NVD || (*k)[at].Provider == labfeed.GitHub
	}},
	{"link", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].URL = fmt.Sprintf("https://example.com/%d", r.IntN(9))
		return true
	}},
	{"text", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].Description = fmt.Sprint("in other words ", r.IntN(9))
		return true
	}},
	{"published", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].Published = time.Date(2025, 1, 1+r.IntN(9), 0, 0, 0, 0, time.UTC)
		return true
	}},
	{"fix date", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].FixDate = time.Date(2025, 1, 1+r.IntN(9), 0, 0, 0, 0, time.UTC)
		return (*k)[at].Fixed != ""
	}},
	{"alias", func(k *knowledge, at int, r *rand.Rand) bool {
		record := &(*k)[at]
		record.Aliases = [][]string{nil, {"CVE-2024-0006"}, {"CVE-2024-0007"}, {"CVE-2024-0006", "CVE-2024-0007"}}[r.IntN(4)]
		return record.Provider == labfeed.GitHub && !record.KnownExploited && record.EPSS == 0
	}},
	{"reissued", func(k *knowledge, at int, r *rand.Rand) bool {
		record := (*k)[at]
		if record.Provider != labfeed.GitHub || record.Withdrawn {
			return false
		}
		(*k)[at].Withdrawn = true
		record.ID = fmt.Sprintf("GHSA-bbbb-bbbb-%04d", r.IntN(10000))
		*k = append(knowledge{record}, *k...)
		return true
	}},
}

// wakeBundle reads everything that gates can read of vulnerabilities.
const wakeBundle = `{"id": "b", "version": "1_0", "name": "b",
	"policies": [{"id": "p", "version": "1_0", "name": "p", "rules": [
		{"id": "1", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
			{"name": "package_type", "value": "all"}, {"name": "cvss_v3_base_score", "value": "8"}]},
		{"id": "2", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
			{"name": "package_type", "value": "all"}, {"name": "vendor_cvss_v3_base_score", "value": "8"}]},
		{"id": "3", "gate": "vulnerabilities", "trigger": "package", "action": "WARN", "params": [
			{"name": "package_type", "value": "all"}, {"name": "vendor_only", "value": "false"}, {"name": "severity", "value": "unknown"}, {"name": "severity_comparison", "value": ">="}]},
		{"id": "4", "gate": "vulnerabilities", "trigger": "blacklist", "action": "STOP", "params": [{"name": "vulnerability_ids", "value": "cve-2024-0006"}]},
		{"id": "5", "gate": "vulnerabilities", "trigger": "stale_feed_data", "action": "STOP", "params": [{"name": "max_days_since_sync", "value": "3"}]},
		{"id": "6", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
			{"name": "package_type", "value": "all"}, {"name": "fix_available", "value": "true"}, {"name": "max_days_since_fix", "value": "2"}, {"name": "severity", "value": "medium"}]},
		{"id": "7", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [{"name": "package_type", "value": "all"}, {"name": "known_exploited", "value": "true"}]},
		{"id": "8", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [{"name": "package_type", "value": "all"}, {"name": "epss_score", "value": "0.5"}]},
		{"id": "9", "gate": "vulnerabilities", "trigger": "package", "action": "WARN", "params": [{"name": "package_type", "value": "os"}, {"name": "epss_score", "value": "0.3"}, {"name": "epss_score_comparison", "value": "<"}]}]}],
	"whitelists": [{"id": "w", "version": "1_0", "name": "w", "items": [{"id": "i", "gate": "vulnerabilities", "trigger_id": "CVE-2024-0007+*"}]}],
	"mappings": [{"id": "m", "name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": ["w"]}]}`

// TestEvaluationDiffersImpliesSent edits the data at random. Whatever differs in an
// evaluation made now is recorded, and sent if the status differs, without any
// watcher's doing; and a receiver that applies the bodies has each tag's list.
func TestEvaluationDiffersImpliesSent(t *testing.T) {
	t.Parallel()
	for name, database := range benchDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, err := store.Open(t.Context(), database)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = opened.Close() })
			w := newWakes(t, opened)
			random := rand.New(rand.NewPCG(5, 7))
			scores := feedEdits[len(feedEdits)-1:]
			edits := slices.Concat(nameEdits, feedEdits, nameEdits, slices.Repeat(scores, 6))
			for _, at := range random.Perm(len(edits)) {
				if random.IntN(4) == 0 {
					w.clock.advance(time.Duration(random.IntN(5*24)) * time.Hour) // also until the data are stale
					w.settle()
				}
				w.data = w.data.edited(edits[at], random)
				w.moveTo(w.data, w.clock.Now().Add(-time.Hour))
				w.check(edits[at].name)
			}
			if w.statuses < 2 || w.names == 0 {
				t.Errorf("only %d statuses and %d names changed: the test says nothing", w.statuses, w.names)
			}
		})
	}
}

// wakes are tags of the images of a property test, under a policy.
type wakes struct {
	*property
	data            knowledge
	targets         map[image.Digest]image.Target
	kept            map[image.Digest]map[string]string // what a receiver has: the records by key and package
	statuses, names int
	read            int // notifications that the receivers have read
}

func newWakes(t *testing.T, opened *store.Store) *wakes {
	w := &wakes{data: firstKnowledge(), targets: map[image.Digest]image.Target{}, kept: map[image.Digest]map[string]string{}}
	w.property = newPropertyOn(t, opened)
	w.clock.advance(time.Since(w.clock.Now()) - 60*24*time.Hour)
	bundle, problems := policy.Parse([]byte(wakeBundle))
	if !policy.Valid(problems) {
		t.Fatal(problems)
	}
	w.must(w.store.SaveBundle(t.Context(), policy.StoredBundle{ID: "b", Name: "b", Hash: bundle.Hash(), Document: []byte(wakeBundle)}, w.clock.Now()))
	do[bool](w.rig, w.steps.ActivatePolicy, policy.Activation{Bundle: "b"})
	w.moveTo(knowledge{w.data[len(w.data)-1], w.data[len(w.data)-2], w.data[len(w.data)-3], w.data[len(w.data)-4]}, w.clock.Now().Add(-2*time.Hour))
	for digest := range w.documents {
		w.targets[digest] = w.target("app:" + digest.Hex()[60:])
		w.kept[digest] = map[string]string{}
		var subscriptions []subscription.Subscription
		for _, each := range notification.TagTypes {
			subscriptions = append(subscriptions, subscription.Subscription{Target: w.targets[digest], Type: each, Active: true, Created: w.clock.Now(), Updated: w.clock.Now()})
		}
		w.must(w.store.Subscribe(t.Context(), subscriptions, 0, w.clock.Now()))
		do[any](w.rig, w.steps.Match, digest)
	}
	w.settle()
	return w
}

// settle records all tags, as their watchers do.
func (w *wakes) settle() {
	w.Helper()
	for digest, target := range w.targets {
		do[watch.Recorded](w.rig, w.steps.Record, watch.RecordRequest{Target: target, Resolved: image.Resolved{Manifest: digest}})
	}
}

func (w *wakes) check(after string) {
	w.Helper()
	w.receive()
	active, err := w.store.ActiveBundle(w.Context())
	w.must(err)
	bundle, _ := policy.Parse(active.Document)
	for digest, target := range w.targets {
		view, err := w.store.View(w.Context(), target)
		w.must(err)
		subject, err := w.store.Subject(w.Context(), target, digest)
		w.must(err)
		w.must(w.store.AddScores(w.Context(), bundle, subject))
		now, err := policy.Evaluate(w.Context(), bundle, subject, w.clock.Now())
		w.must(err)
		document, err := policy.Document(now, bundle, "admin")
		w.must(err)
		if diff := gocmp.Diff(rowsOf(w, document), rowsOf(w, view.State.Evaluation.Document)); diff != "" {
			w.Errorf("after %s: %s (-evaluated now +recorded):\n%s", after, target, diff)
		}
		if now.Status != view.State.Evaluation.Status {
			w.Errorf("after %s: %s is %s, recorded %s", after, target, now.Status, view.State.Evaluation.Status)
		}
		list := map[string]string{}
		for _, f := range vuln.Merge(vuln.Findings(subject.Matches)) {
			list[strings.Join([]string{f.Key(), f.Package.Name, f.Package.Version}, " ")] = strings.Join(f.Records, " ")
		}
		if diff := gocmp.Diff(list, w.kept[digest]); diff != "" {
			w.Errorf("after %s: %s (-the tag's list +the receiver's):\n%s", after, target, diff)
		}
	}
}

func rowsOf(w *wakes, document []byte) []policy.ResultRow {
	w.Helper()
	rows, err := policy.ResultRows(document)
	w.must(err)
	return rows
}

// receive applies the bodies that are new, in their order.
func (w *wakes) receive() {
	w.Helper()
	stored, err := w.store.Notifications(w.Context(), store.NotificationFilter{})
	w.must(err)
	for _, n := range stored[w.read:] {
		for digest, target := range w.targets {
			if n.Subject == target.String() {
				w.apply(w.kept[digest], n.Notification)
			}
		}
	}
	w.read = len(stored)
}

func (w *wakes) apply(kept map[string]string, n notification.Notification) {
	w.Helper()
	type entry struct {
		Key      string
		Records  []string
		Name     string `json:"Package_Name"`
		Version  string `json:"Package_Version"`
		Changes  []vuln.Aspect
		Previous *struct{ Key string }
	}
	var body struct {
		Difference struct{ Added, Updated, Removed []entry } `json:"diff_vulnerability_result"`
	}
	w.must(json.Unmarshal(n.Payload, &body))
	if n.Type == notification.PolicyEval {
		w.statuses++
	}
	place := func(key string, e entry) string { return strings.Join([]string{key, e.Name, e.Version}, " ") }
	for _, e := range body.Difference.Removed {
		delete(kept, place(e.Key, e))
	}
	for _, e := range body.Difference.Updated {
		delete(kept, place(e.Previous.Key, e))
		if slices.Equal(e.Changes, []vuln.Aspect{vuln.AspectName}) {
			w.names++
		}
	}
	for _, e := range slices.Concat(body.Difference.Updated, body.Difference.Added) {
		kept[place(e.Key, e)] = strings.Join(e.Records, " ")
	}
}

// TestTextEditsTouchNoTag: what no decision reads costs no evaluation.
func TestTextEditsTouchNoTag(t *testing.T) {
	t.Parallel()
	w := newWakes(t, newRig(t).store)
	w.moveTo(w.data, w.clock.Now().Add(-time.Hour))
	for _, edit := range nameEdits {
		if edit.name != "text" && edit.name != "published" && edit.name != "fix date" {
			continue
		}
		w.data = w.data.edited(edit, rand.New(rand.NewPCG(1, 1)))
		w.moveTo(w.data, w.clock.Now())
		w.clock.advance(time.Minute)
		affected, err := w.store.Outcomes(t.Context(), watch.OutcomeFilter{Build: w.feedState().Current.Checksum})
		w.must(err)
		if len(affected) > 0 {
			t.Errorf("%s: %v", edit.name, affected)
		}
		w.check(edit.name)
	}
}
