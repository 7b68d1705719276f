package storetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// The matcher and the data build of the seed.
const (
	Engine    = vuln.Matcher("grype of the test")
	SeedBuild = "sha256:feed"
)

// SeedDigest is the image of the seed.
var SeedDigest = image.Digest("sha256:" + strings.Repeat("ab", 32))

var openssl = vuln.Package{Name: "openssl", Version: "3.0.1", Type: "deb", PURL: "pkg:deb/debian/openssl@3.0.1"}

// Seeding fills a database as a worker would.
type Seeding struct {
	*store.Store
	Now    time.Time
	Target image.Target
}

// Watch watches the target with a Debian package of two vulnerabilities, and evaluates it
// against the bundle, which becomes the active one.
func (s Seeding) Watch(ctx context.Context, bundle *policy.Bundle) error {
	for _, step := range []func(context.Context) error{s.feed, s.subscription, s.image, s.findings} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := s.activate(ctx, bundle); err != nil {
		return err
	}
	if err := s.Evaluate(ctx, bundle); err != nil {
		return err
	}
	return s.Note(ctx, s.Target, s.Now, nil)
}

func (s Seeding) feed(ctx context.Context) error {
	known, err := s.Feed(ctx)
	if err != nil || known.Current != nil {
		return err
	}
	build := vuln.Description{Build: vuln.Build{Checksum: SeedBuild, Built: s.Now, Schema: "6.1.0"},
		Providers: []vuln.ProviderState{{Name: "debian", Captured: s.Now, Records: 2, Rows: 2}}}
	if err := s.SaveBuild(ctx, build, "", nil, s.Now); err != nil {
		return err
	}
	_, err = s.Advance(ctx, databuild.Advance{To: SeedBuild, Matcher: Engine}, s.Now)
	return err
}

func (s Seeding) subscription(ctx context.Context) error {
	var subs []subscription.Subscription
	for _, t := range notification.DefaultTypes {
		subs = append(subs, subscription.Subscription{Target: s.Target, Type: t, Active: true})
	}
	return s.Subscribe(ctx, subs, 0, s.Now)
}

func (s Seeding) image(ctx context.Context) error {
	inventory := &sbom.Inventory{Digest: SeedDigest, ImageID: strings.Repeat("cd", 32), OS: "linux", Architecture: "amd64",
		Distro:     sbom.Distro{ID: "debian", VersionID: "12"},
		Packages:   []sbom.Package{{ID: "openssl-1", Name: "openssl", Version: "3.0.1", Type: "deb", Location: "/var/lib/dpkg/status"}},
		Unreadable: []sbom.Unreadable{{Path: "/app/package.json", Cataloger: "javascript-package-cataloger", Reason: "invalid character"}}}
	if err := s.SaveImage(ctx, inventory, []byte(`{"artifacts":[{"name":"openssl"}]}`+"\n"), "syft of the test", s.Now); err != nil {
		return err
	}
	return s.SaveGroups(ctx, SeedDigest, Engine, []vuln.Group{{Fingerprint: "openssl", Document: []byte("{}"), Keys: []string{"openssl"},
		Artifacts: [][]string{{"openssl-1"}}, Packages: []vuln.Package{openssl}}})
}

func (s Seeding) findings(ctx context.Context) error {
	ids, _, err := s.Touched(ctx, 0, vuln.Delta{All: true}, "", "")
	if err != nil {
		return err
	}
	groups, err := s.Groups(ctx, ids)
	if err != nil {
		return err
	}
	finding := func(id string, severity vuln.Severity, fix vuln.Fix) vuln.GroupFinding {
		return vuln.GroupFinding{Finding: vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Package: openssl, Severity: severity,
			Fix: fix, URL: "https://security-tracker.debian.org/tracker/" + id, KnownExploited: severity == vuln.Critical}}
	}
	return s.SaveFindings(ctx, SeedBuild, Engine, map[int64][]vuln.GroupFinding{groups[0].ID: {
		finding("CVE-2026-0002", vuln.Low, vuln.Fix{State: vuln.FixNone}),
		finding("CVE-2026-0001", vuln.Critical, vuln.Fix{State: vuln.FixKnown, Versions: []string{"3.0.2"}}),
	}}, s.Now)
}

func (s Seeding) activate(ctx context.Context, bundle *policy.Bundle) error {
	document, err := bundle.MarshalJSON()
	if err != nil {
		return err
	}
	stored := policy.StoredBundle{ID: bundle.ID, Name: bundle.Name, Hash: bundle.Hash(), Document: document}
	if err := s.SaveBundle(ctx, stored, s.Now); err != nil {
		return err
	}
	_, err = s.ActivateBundle(ctx, bundle.ID, s.Now)
	return err
}

// Evaluate decides and stores what a resync would.
func (s Seeding) Evaluate(ctx context.Context, bundle *policy.Bundle) error {
	subject, err := s.Subject(ctx, s.Target, SeedDigest)
	if err != nil {
		return err
	}
	outcome, err := policy.Evaluate(ctx, bundle, subject, s.Now)
	if err != nil {
		return err
	}
	document, err := policy.Document(outcome, bundle, "admin")
	if err != nil {
		return err
	}
	return s.Record(ctx, s.Target, func(view watch.RecordView) (watch.Decision, error) {
		if len(view.Subscriptions) == 0 {
			return watch.Decision{}, fmt.Errorf("nobody is subscribed to %s", s.Target)
		}
		seen := watch.Seen{Resolved: image.Resolved{Manifest: SeedDigest}, Analyzed: SeedDigest, Packages: 1, Matched: subject.Matched, Coverage: subject.Feed.Coverage,
			Basis:           watch.Basis{Build: view.Build, Matcher: view.Matcher, Bundle: view.Bundle},
			Vulnerabilities: vuln.Merge(vuln.Findings(subject.Matches)),
			Evaluation: &watch.Evaluation{Digest: SeedDigest, Bundle: bundle.Hash(), Status: outcome.Status,
				FinalAction: outcome.FinalAction, Document: document}}
		audience := subscription.Audience{Account: "admin", Subscriptions: view.Subscriptions, Endpoints: view.Endpoints, RetryWindow: time.Hour}
		return watch.Decide(s.Target, view.State, seen, audience, s.Now)
	})
}
