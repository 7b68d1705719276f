package activities_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/lab"
)

// What happens in a life of a tag, in one call each, as the workflows do it.

// subscribe asks for those types of a tag; none means all.
func (r *rig) subscribe(target image.Target, types ...notification.Type) subscription.Result {
	r.Helper()
	if types == nil {
		types = notification.TagTypes
	}
	return r.subscribeTo(subscription.Request{Targets: []image.Target{target}, Types: types})
}

// subscribeTo is a request for one tag.
func (r *rig) subscribeTo(request subscription.Request) subscription.Result {
	r.Helper()
	done := do[[]subscription.Result](r, r.steps.Subscribe, request)
	if len(done) != 1 || done[0].Refused != nil {
		r.Fatalf("subscribed: %+v", done)
	}
	return done[0]
}

// unsubscribe ends all subscriptions of a tag.
func (r *rig) unsubscribe(target image.Target) {
	r.Helper()
	_, err := r.store.Unsubscribe(r.Context(), target, nil, r.clock.Now())
	r.must(err)
}

// pass is one resync of a tag's watcher.
func (r *rig) resync(target image.Target) watch.Observation {
	r.Helper()
	seen := r.resyncOnce(target)
	if !seen.Active || seen.Analyzed || seen.Unfit != nil || seen.Resolved.Manifest == "" {
		return seen
	}
	if seen.Summary == nil || seen.Summary.Resolved != seen.Resolved {
		do[watch.Recorded](r, r.steps.Record, watch.RecordRequest{Target: target, Resolved: seen.Resolved})
	}
	done := do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: target, Digest: seen.Resolved.Manifest})
	if done.Problem != nil {
		do[watch.Recorded](r, r.steps.Record, watch.RecordRequest{Target: target, Resolved: seen.Resolved, Problem: done.Problem})
		return seen
	}
	return r.resyncOnce(target)
}

// resyncOnce is a resync without an analysis, as a watcher makes it while it has yet to be
// answered.
func (r *rig) resyncOnce(target image.Target) watch.Observation {
	r.Helper()
	seen := do[watch.Observation](r, r.steps.Observe, target)
	if !seen.Active || seen.Resolved.Manifest == "" || !seen.Changed {
		return seen
	}
	if seen.Image != "" && !seen.Matched {
		do[any](r, r.steps.Match, seen.Image)
	}
	do[watch.Recorded](r, r.steps.Record, watch.RecordRequest{Target: target, Resolved: seen.Resolved, Problem: seen.Unfit})
	return seen
}

// settled subscribes to everything about a tag and makes the first resync.
func (r *rig) settled(repositoryAndTag string) image.Target {
	r.Helper()
	target := r.target(repositoryAndTag)
	r.subscribe(target)
	r.resync(target)
	return target
}

// sync brings the data up to date, as the workflow does.
func (r *rig) sync(request databuild.SyncRequest) databuild.Fetched {
	r.Helper()
	fetched := do[databuild.Fetched](r, r.steps.FetchFeed, request)
	if fetched.Build == nil {
		return fetched
	}
	r.advance(fetched)
	return fetched
}

func (r *rig) advance(fetched databuild.Fetched) databuild.Advanced {
	r.Helper()
	advanced := do[databuild.Advanced](r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current, Leave: fetched.Leave})
	do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{Build: advanced.Build})
	return advanced
}

// data are offered by the source and made current.
func (r *rig) data(number int) {
	r.Helper()
	r.feed.offers(description(number))
	r.sync(databuild.SyncRequest{})
}

func checksum(number int) string { return fmt.Sprintf("sha256:%064x", number) }

// description is of the build of that number, each built an hour after the
// one before.
func description(number int) vuln.Description {
	built := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC).Add(time.Duration(number) * time.Hour)
	return vuln.Description{Build: vuln.Build{Checksum: checksum(number), URL: fmt.Sprintf("https://feed.example.com/%d.tar.zst", number), Built: built, Schema: "6.1.0"},
		Providers: []vuln.ProviderState{{Name: "debian", Captured: built, Records: 1000, Rows: 5000}}}
}

// cve is a vulnerability that a new version repairs.
func cve(id string, severity vuln.Severity) vuln.Finding {
	return vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Severity: severity, Fix: vuln.Fix{State: vuln.FixKnown, Versions: []string{"9"}}}
}

// activate makes a bundle the active one that stops vulnerabilities of that
// severity and above, but for those that the whitelist items waiver.
func (r *rig) activate(id, severity string, items ...string) {
	r.Helper()
	document := fmt.Sprintf(`{"id": %q, "version": "1_0", "name": %q,
		"policies": [{"id": "p", "version": "1_0", "rules": [{"id": "r", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
			{"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": %q}]}]}],
		"whitelists": [{"id": "w", "version": "1_0", "items": [%s]}],
		"mappings": [{"id": "m", "name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": ["w"]}]}`,
		id, id, severity, strings.Join(items, ", "))
	r.activateDocument(id, document)
}

// activateRule activates a bundle with one rule for all tags, which stops.
func (r *rig) activateRule(rule string) {
	r.Helper()
	r.activateDocument("rule", `{"id": "rule", "version": "1_0", "policies": [{"id": "p", "version": "1_0", "rules": [{"id": "r", "action": "STOP", `+rule+`}]}],
		"mappings": [{"name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"]}]}`)
}

func (r *rig) activateDocument(id, document string) {
	r.Helper()
	bundle, problems := policy.Parse([]byte(document))
	if len(problems) > 0 {
		r.Fatal(problems)
	}
	r.must(r.store.SaveBundle(r.Context(), policy.StoredBundle{ID: id, Name: id, Hash: bundle.Hash(), Document: []byte(document)}, r.clock.Now()))
	do[bool](r, r.steps.ActivatePolicy, policy.Activation{Bundle: id})
}

// waiver is a whitelist item for a vulnerability of a package.
func waiver(trigger string, expires time.Time) string {
	return fmt.Sprintf(`{"id": %q, "gate": "vulnerabilities", "trigger_id": %q, "expires_on": %q}`, trigger, trigger, expires.UTC().Format(time.RFC3339))
}

// expect compares what was notified since the mark with what is expected, in order.
func (r *rig) expect(since int, want ...string) {
	r.Helper()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, r.notified()[since:]...)); diff != "" {
		r.Errorf("notified (-want +got):\n%s", diff)
	}
}

// received lists what reached the receiver, as "type cause subject", sorted:
// several attempts are under way at a time.
func (r *rig) received() []string {
	r.Helper()
	var lines []string
	for _, hook := range r.receiver.All() {
		body := r.body(hook.Body)
		lines = append(lines, fmt.Sprintf("%s %s %s", body.Data.Type, body.Data.Payload.Cause,
			strings.TrimPrefix(body.Data.Payload.Key, r.registry.Host()+"/")))
	}
	slices.Sort(lines)
	return lines
}

// envelope is what the tests read of a body.
type envelope struct {
	ID   string `json:"dataId"`
	Data struct {
		Type    string `json:"notification_type"`
		Payload struct {
			Cause string `json:"cause"`
			Key   string `json:"subscription_key"`
			// LastEval says of an analyzed image whether it was known before.
			LastEval json.RawMessage `json:"last_eval"`
		} `json:"notification_payload"`
	} `json:"data"`
}

func (r *rig) body(content []byte) envelope {
	r.Helper()
	var body envelope
	r.must(json.Unmarshal(content, &body))
	return body
}

// index pushes an index of images, each "platform package version", made with
// those parts, and returns its digest and theirs.
func (r *rig) index(repositoryAndTag string, parts []lab.Part, images ...string) (image.Digest, map[string]image.Digest) {
	r.Helper()
	var built []v1.Image
	digests := map[string]image.Digest{}
	for _, text := range images {
		platform, content, _ := strings.Cut(text, " ")
		one, err := lab.NewImage(append(slices.Clone(parts), lab.Platform(platform), lab.Run("install", lab.Text("/packages", content+"\n")))...)
		r.must(err)
		hash, err := one.Digest()
		r.must(err)
		built = append(built, one)
		digests[platform] = image.Digest(hash.String())
		r.analyzer.finds(digests[platform], content)
	}
	index, err := lab.NewIndex(built...)
	r.must(err)
	hash, err := r.registry.Push(repositoryAndTag, index)
	r.must(err)
	return image.Digest(hash.String()), digests
}
