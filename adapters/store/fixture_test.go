package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// each runs a test on every database, each with one of its own.
func each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, open func(testing.TB) *store.Store) { test(t, open(t)) })
}

// eachURL is each for tests that open the database themselves; it is empty.
func eachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite://"+filepath.Join(t.TempDir(), "tagwatch.db"))
	})
	onPostgres(t, test)
}

func onPostgres(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	if server := os.Getenv(storetest.Server); server != "" {
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			test(t, storetest.Create(t, server))
		})
	}
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// start is the beginning of all tests' time; at counts minutes from it.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

func target(t testing.TB, text string) image.Target {
	t.Helper()
	parsed, err := image.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func repository(t *testing.T, text string) image.Repository {
	t.Helper()
	parsed, err := image.ParseRepository(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func digest(n int) image.Digest { return image.Digest(fmt.Sprintf("sha256:%064x", n)) }

func newSubscription(target image.Target, kind notification.Type) subscription.Subscription {
	return subscription.Subscription{Target: target, Type: kind, Active: true}
}

// subscribe watches targets.
func subscribe(t *testing.T, s *store.Store, targets ...image.Target) {
	t.Helper()
	subs := make([]subscription.Subscription, len(targets))
	for i, target := range targets {
		subs[i] = newSubscription(target, notification.VulnUpdate)
	}
	check(t, s.Subscribe(t.Context(), subs, 5*time.Minute, start))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is for calls that return a value.
func must[T any](t testing.TB) func(value T, err error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// inventory has a package for each name, its artifact and location named after
// it.
func inventory(d image.Digest, names ...string) *sbom.Inventory {
	inv := &sbom.Inventory{Digest: d, ImageID: strings.Repeat("a", 64), OS: "linux", Distro: sbom.Distro{ID: "debian", VersionID: "12"},
		Retrieved: map[string][]byte{"/etc/passwd": []byte("root:x:0:0\n")}}
	for _, name := range names {
		inv.Packages = append(inv.Packages, sbom.Package{ID: "artifact-" + name, Name: name, Version: "1.0", Type: "deb", Location: "/lib/" + name})
	}
	return inv
}

// group is a group of one package.
func group(name string) vuln.Group {
	return vuln.Group{Fingerprint: "fingerprint-" + name, Document: []byte("document of " + name), Keys: []string{name, name + "-source"},
		Artifacts: [][]string{{"artifact-" + name}}}
}

func groups(names ...string) []vuln.Group {
	list := make([]vuln.Group, len(names))
	for i, name := range names {
		list[i] = group(name)
	}
	return list
}

// finding is one of the package of that name.
func finding(id, name string, severity vuln.Severity) vuln.GroupFinding {
	return vuln.GroupFinding{Finding: vuln.Finding{ID: id, Namespace: "debian:distro:debian:12", Severity: severity,
		Package: vuln.Package{Name: name, Version: "1.0", Type: "deb"}, Fix: vuln.Fix{State: vuln.FixNone}}}
}

// fixed is the finding with a fix.
func fixed(f vuln.GroupFinding) vuln.GroupFinding {
	f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: []string{"1.1"}}
	return f
}

const matcher = vuln.Matcher("grype 0.120.0 defaults")

// analyzed saves an image of those packages with its groups, and returns the ids
// of the groups by package.
func analyzed(t *testing.T, s *store.Store, d image.Digest, now time.Time, names ...string) map[string]int64 {
	t.Helper()
	ctx := t.Context()
	check(t, s.SaveImage(ctx, inventory(d, names...), []byte(`{"sbom":true}`), "syft 1", now))
	check(t, s.SaveGroups(ctx, d, matcher, groups(names...)))
	return groupIDs(t, s)
}

// groupIDs are all groups' ids by package.
func groupIDs(t *testing.T, s *store.Store) map[string]int64 {
	t.Helper()
	every, _, err := s.Touched(t.Context(), 0, vuln.Delta{All: true}, "", "")
	check(t, err)
	stored, err := s.Groups(t.Context(), every)
	check(t, err)
	ids := map[string]int64{}
	for _, g := range stored {
		ids[strings.TrimPrefix(g.Fingerprint, "fingerprint-")] = g.ID
	}
	return ids
}
