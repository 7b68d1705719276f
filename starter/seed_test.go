package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

const (
	seedEngine = vuln.Matcher("grype of the test")
	seedBuild  = "sha256:feed"
)

// seeding fills a database as a worker would.
type seeding struct {
	*store.Store
	now    time.Time
	target image.Target
	digest image.Digest
}

// seed watches a tag with a Debian package of two vulnerabilities and, given a
// file, with its bundle as the active one: seed REF [BUNDLE].
func seed(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	target, err := image.ParseTarget(args[0])
	ts.Check(err)
	s := seeding{opened, time.Now().UTC().Add(-time.Hour), target, image.Digest("sha256:" + strings.Repeat("ab", 32))}
	bundle := policy.Default()
	if len(args) > 1 {
		content, err := os.ReadFile(ts.MkAbs(args[1]))
		ts.Check(err)
		bundle, _ = policy.Parse(content)
	}
	for _, step := range []func(context.Context) error{s.feed, s.subscription, s.image, s.findings} {
		ts.Check(step(ctx))
	}
	ts.Check(s.activate(ctx, bundle))
	ts.Check(s.record(ctx, bundle))
	ts.Check(s.Note(ctx, target, s.now, nil))
}

func (s seeding) feed(ctx context.Context) error {
	known, err := s.Feed(ctx)
	if err != nil || known.Current != nil {
		return err
	}
	build := vuln.Description{Build: vuln.Build{Checksum: seedBuild, Built: s.now, Schema: "6.1.0"},
		Providers: []vuln.ProviderState{{Name: "debian", Captured: s.now, Records: 2, Rows: 2}}}
	if err := s.SaveBuild(ctx, build, "", nil, s.now); err != nil {
		return err
	}
	_, err = s.Advance(ctx, databuild.Advance{To: seedBuild, Matcher: seedEngine}, s.now)
	return err
}

func (s seeding) subscription(ctx context.Context) error {
	var subs []subscription.Subscription
	for _, t := range notification.TagTypes {
		subs = append(subs, subscription.Subscription{Target: s.target, Type: t, Active: true})
	}
	return s.Subscribe(ctx, subs, 0, s.now)
}

func (s seeding) image(ctx context.Context) error {
	inventory := &sbom.Inventory{Digest: s.digest, ImageID: strings.Repeat("cd", 32), OS: "linux", Architecture: "amd64",
		Distro:     sbom.Distro{ID: "debian", VersionID: "12"},
		Packages:   []sbom.Package{{ID: "openssl-1", Name: "openssl", Version: "3.0.1", Type: "deb", Location: "/var/lib/dpkg/status"}},
		Unreadable: []sbom.Unreadable{{Path: "/app/package.json", Cataloger: "javascript-package-cataloger", Reason: "invalid character"}}}
	if err := s.SaveImage(ctx, inventory, []byte(`{"artifacts":[{"name":"openssl"}]}`+"\n"), "syft of the test", s.now); err != nil {
		return err
	}
	return s.SaveGroups(ctx, s.digest, seedEngine, []vuln.Group{{Fingerprint: "openssl", Document: []byte("{}"), Keys: []string{"openssl"},
		Artifacts: [][]string{{"openssl-1"}}}})
}

func (s seeding) findings(ctx context.Context) error {
	groups, err := s.Groups(ctx, 0, 0)
	if err != nil {
		return err
	}
	openssl := vuln.Package{Name: "openssl", Version: "3.0.1", Type: "deb", PURL: "pkg:deb/debian/openssl@3.0.1"}
	finding := func(id string, severity vuln.Severity, fix vuln.Fix) vuln.GroupFinding {
		return vuln.GroupFinding{Finding: vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Package: openssl, Severity: severity,
			Fix: fix, URL: "https://security-tracker.debian.org/tracker/" + id, KnownExploited: severity == vuln.Critical}}
	}
	return s.SaveFindings(ctx, seedBuild, seedEngine, map[int64][]vuln.GroupFinding{groups[0].ID: {
		finding("CVE-2026-0002", vuln.Low, vuln.Fix{State: vuln.FixNone}),
		finding("CVE-2026-0001", vuln.Critical, vuln.Fix{State: vuln.FixKnown, Versions: []string{"3.0.2"}}),
	}}, s.now)
}

func (s seeding) activate(ctx context.Context, bundle *policy.Bundle) error {
	document, err := bundle.MarshalJSON()
	if err != nil {
		return err
	}
	stored := policy.StoredBundle{ID: bundle.ID, Name: bundle.Name, Hash: bundle.Hash(), Document: document}
	if err := s.SaveBundle(ctx, stored, s.now); err != nil {
		return err
	}
	_, err = s.ActivateBundle(ctx, bundle.ID, s.now)
	return err
}

// record decides and stores what a pass would.
func (s seeding) record(ctx context.Context, bundle *policy.Bundle) error {
	subject, err := s.Subject(ctx, s.target, s.digest)
	if err != nil {
		return err
	}
	outcome, err := policy.Evaluate(ctx, bundle, subject, s.now)
	if err != nil {
		return err
	}
	document, err := policy.Document(outcome, bundle, "admin")
	if err != nil {
		return err
	}
	return s.Record(ctx, s.target, func(view watch.RecordView) (watch.Decision, error) {
		if len(view.Subscriptions) == 0 {
			return watch.Decision{}, fmt.Errorf("nobody is subscribed to %s", s.target)
		}
		seen := watch.Seen{Resolved: image.Resolved{Manifest: s.digest}, Analyzed: s.digest, Packages: 1, Matched: subject.Matched, Coverage: subject.Feed.Coverage,
			Basis:           watch.Basis{Build: view.Build, Matcher: view.Matcher, Bundle: view.Bundle},
			Vulnerabilities: vuln.Merge(vuln.Findings(subject.Matches)),
			Evaluation: &watch.Evaluation{Digest: s.digest, Bundle: bundle.Hash(), Status: outcome.Status,
				FinalAction: outcome.FinalAction, Document: document}}
		audience := subscription.Audience{Account: "admin", Subscriptions: view.Subscriptions, Endpoints: view.Endpoints, RetryWindow: time.Hour}
		return watch.Decide(s.target, view.State, seen, audience, s.now)
	})
}

// ends has the data say when the distribution of the seed's image ends: ends REF DATE.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	target, err := image.ParseTarget(args[0])
	ts.Check(err)
	date, err := time.Parse(time.DateOnly, args[1])
	ts.Check(err)
	s := seeding{opened, time.Now().UTC().Add(-time.Minute), target, image.Digest("sha256:" + strings.Repeat("ab", 32))}
	ts.Check(s.SaveDistribution(ctx, s.digest, "debian"))
	ts.Check(s.SaveCoverage(ctx, seedBuild, map[vuln.Distribution]vuln.Coverage{"debian": {State: vuln.Covered, Distribution: "debian 12", EndOfLife: date}}))
	ts.Check(s.record(ctx, policy.Default()))
}

// accepted stores an acceptance, which ends at the time if there is one,: accepted VULNERABILITY SUBJECT [TIME].
func accepted(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	a := acceptance.Acceptance{Vulnerability: args[0], Subject: args[1], Reason: "of the test", Owner: "web", By: "somebody", Created: time.Now().UTC().Add(-time.Hour)}
	if len(args) > 2 {
		a.Until, err = time.Parse(time.RFC3339, args[2])
		ts.Check(err)
	}
	_, err = opened.Accept(ctx, []acceptance.Acceptance{a})
	ts.Check(err)
}

// renewal has a worker with another analyzer appear, which cannot renew the image
// of the seed until then if that is given: renewal ANALYZER [never|later].
func renewal(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	ts.Check(opened.SeeAnalyzer(ctx, args[0], time.Now()))
	if len(args) > 1 {
		due := map[string]time.Time{"later": time.Now().Add(time.Hour)}[args[1]]
		ts.Check(opened.NoteRenewal(ctx, image.Digest("sha256:"+strings.Repeat("ab", 32)), args[0], func(int) (int, time.Time) { return 1, due }))
	}
}

// refuse has every pending delivery to an endpoint be given up for that answer:
// refuse ENDPOINT ANSWER.
func refuse(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	now := time.Now().UTC()
	pending, err := opened.Deliveries(ctx, store.DeliveryFilter{Endpoint: args[0], State: delivery.Pending})
	ts.Check(err)
	for _, d := range pending {
		d.Attempts, d.State, d.LastTry, d.Answer = d.Attempts+1, delivery.Failed, now, args[1]
		ts.Check(opened.RecordAttempt(ctx, delivery.Attempt{Delivery: d.ID, Number: d.Attempts, At: now, Answer: d.Answer}, d))
	}
}
