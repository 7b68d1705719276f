package feed_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

var knowledge = []labfeed.Vulnerability{
	{Provider: labfeed.NVD, ID: "CVE-2024-1", Severity: "High", CWEs: []string{"CWE-79"}},
	{Provider: labfeed.Debian, ID: "CVE-2024-1", Package: "openssl", Fixed: "3.0.11-1", Severity: "High", KnownExploited: true, EPSS: 0.5},
	{Provider: labfeed.Debian, ID: "CVE-2024-2", Package: "zlib", Severity: "Low"},
	{Provider: labfeed.GitHub, ID: "GHSA-aaaa-bbbb-cccc", Package: "lodash", Ecosystem: "npm", Fixed: "4.17.21", Severity: "High"},
}

// stage is a publisher and a feed that fetches from it.
type stage struct {
	*feed.Feed
	publisher *labfeed.Feed
	root      string
}

func newStage(t *testing.T, options feed.Options) stage {
	t.Helper()
	publisher, err := labfeed.New()
	must(t, err)
	t.Cleanup(func() { publisher.Heal(); must(t, publisher.Close()) })
	if options.URL == "" {
		options.URL = publisher.URL()
	}
	s := stage{publisher: publisher, root: t.TempDir()}
	s.Feed = open(t, s.root, options)
	return s
}

func open(t *testing.T, root string, options feed.Options) *feed.Feed {
	t.Helper()
	f, err := feed.Open(root, options)
	must(t, err)
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, extra ...labfeed.Vulnerability) labfeed.Database {
	t.Helper()
	database, err := labfeed.Build(t.TempDir(), slices.Concat(knowledge, extra)...)
	must(t, err)
	return database
}

func (s stage) publish(t *testing.T, database labfeed.Database, lies ...labfeed.Lie) {
	t.Helper()
	must(t, s.publisher.Publish(database, lies...))
}

// sync is what happens when new data are looked for.
func (s stage) sync(ctx context.Context) (vuln.Build, error) {
	listing, err := s.Latest(ctx)
	if err != nil {
		return vuln.Build{}, err
	}
	return s.Fetch(ctx, listing, func(string) {})
}

// entries are the names in the feed's directory.
func (s stage) entries(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(s.root)
	must(t, err)
	var names []string
	for _, entry := range entries {
		if entry.Name() != "lock" {
			names = append(names, entry.Name())
		}
	}
	return names
}

func dirOf(g vuln.Build) string { return strings.TrimPrefix(g.Checksum, "sha256:") }

func TestFetch(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	database := build(t)
	s.publish(t, database)
	listing, err := s.Latest(t.Context())
	must(t, err)
	got, err := s.Fetch(t.Context(), listing, func(string) {})
	must(t, err)
	if listing.Status != vuln.LifecycleActive {
		t.Errorf("status %q", listing.Status)
	}
	want := vuln.Build{Checksum: database.Checksum, Built: database.Built, Schema: "6.1.10",
		URL: s.publisher.URL() + "/v6/" + filepath.Base(database.Archive)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("build (-want +got):\n%s", diff)
	}
	path, err := s.Path(got.Checksum)
	must(t, err)
	for _, name := range []string{"vulnerability.db", "import.json"} { // what grype's command line looks for
		if _, err := os.Stat(filepath.Join(path, name)); err != nil || filepath.Base(path) != "6" {
			t.Errorf("%s is not in %s: %v", name, path, err)
		}
	}
	if diff := cmp.Diff([]string{dirOf(got)}, s.entries(t)); diff != "" {
		t.Errorf("directory (-want +got):\n%s", diff)
	}
}

func TestFetchAgainFetchesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	first, err := s.sync(t.Context())
	must(t, err)
	second, err := s.sync(t.Context())
	must(t, err)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if got := len(s.publisher.Requests()); got != 3 { // twice the listing, once the archive
		t.Errorf("%d requests: %v", got, s.publisher.Requests())
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	database := build(t)
	s.publish(t, database)
	build, err := s.sync(t.Context())
	must(t, err)
	got, err := s.Describe(t.Context(), build.Checksum)
	must(t, err)
	records, rows := map[string]int{}, map[string]int{}
	for _, p := range got.Providers {
		records[p.Name], rows[p.Name] = p.Records, p.Rows
		if age := database.Built.Sub(p.Captured); age < 0 || age > 48*time.Hour {
			t.Errorf("provider %s was captured %s", p.Name, p.Captured)
		}
	}
	if diff := cmp.Diff(map[string]int{"debian": 2, "epss": 1, "github": 1, "kev": 1, "nvd": 1}, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if rows["debian"] != 2 || rows["github"] != 1 {
		t.Errorf("rows %v, want 2 of debian and 1 of github", rows)
	}
	if want := (vuln.Totals{KnownExploited: 1, Exploitability: 1, Weaknesses: 1}); got.Totals != want {
		t.Errorf("totals %+v, want %+v", got.Totals, want)
	}
	if day := database.Built.Truncate(24 * time.Hour); !got.Scored.Equal(day) {
		t.Errorf("scores of %s, want %s", got.Scored, day)
	}
	if got.Size == 0 || got.Newer || got.Build != build {
		t.Errorf("description %+v", got)
	}
}

// TestDescribeOddities: what builds can hold beside what ours do.
func TestDescribeOddities(t *testing.T) {
	t.Parallel()
	database, err := labfeed.BuildEdited(t.TempDir(), time.Now(), []string{
		`INSERT INTO providers (id, version, processor, date_captured, input_digest) VALUES ('eol', '1', 'lab', '2026-02-01 00:00:00+00:00', 'x')`,
		`UPDATE operating_systems SET eol_date = '2028-06-30 00:00:00+00:00'`,
		`UPDATE providers SET date_captured = NULL WHERE id = 'github'`,
		`PRAGMA foreign_keys = OFF`,
		`DELETE FROM providers WHERE id = 'nvd'`,
		`DELETE FROM epss_metadata`,
	}, knowledge...)
	must(t, err)
	s := newStage(t, feed.Options{})
	s.publish(t, database)
	build, err := s.sync(t.Context())
	must(t, err)
	got, err := s.Describe(t.Context(), build.Checksum)
	must(t, err)
	for _, want := range []vuln.ProviderState{{Name: "eol", Captured: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Records: 1},
		{Name: "github", Records: 1, Rows: 1}, {Name: "nvd", Records: 1}} {
		if state, _ := got.Provider(want.Name); !cmp.Equal(want, state) {
			t.Errorf("provider (-want +got):\n%s", cmp.Diff(want, state))
		}
	}
	if got.Totals.EndOfLife != 1 || !got.Scored.IsZero() {
		t.Errorf("description %+v", got)
	}
}

// TestDescribeAfterAnUpdate of Tagwatch: whether the schema is newer than this
// version knows is not what the version before thought.
func TestDescribeAfterAnUpdate(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	build, err := s.sync(t.Context())
	must(t, err)
	file := filepath.Join(s.root, dirOf(build), "build.json")
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, bytes.Replace(text, []byte(`"Newer": false`), []byte(`"Newer": true`), 1), 0o600))
	if got, err := s.Describe(t.Context(), build.Checksum); err != nil || got.Newer {
		t.Errorf("description %+v, error %v", got, err)
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	build, err := s.sync(t.Context())
	must(t, err)
	other := open(t, t.TempDir(), feed.Options{URL: s.publisher.URL()})
	must(t, other.Ensure(t.Context(), build))
	if !other.Has(build.Checksum) {
		t.Fatal("the build is not there")
	}
	before := len(s.publisher.Requests())
	must(t, other.Ensure(t.Context(), build))
	if got := len(s.publisher.Requests()); got != before {
		t.Errorf("what is there is fetched again: %v", s.publisher.Requests())
	}
}

func TestEnsureOfWhatCameFromAFile(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	err := s.Ensure(t.Context(), vuln.Build{Checksum: build(t).Checksum})
	if !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), "feed import") {
		t.Errorf("error %v, want one that reports what to do", err)
	}
}

func TestEnsureRepairsWhatChangedOnDisk(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	build, err := s.sync(t.Context())
	must(t, err)
	path, err := s.Path(build.Checksum)
	must(t, err)
	file := filepath.Join(path, "vulnerability.db")
	whole, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, whole[:len(whole)/2], 0o600))
	restarted := open(t, s.root, feed.Options{URL: s.publisher.URL()})
	must(t, restarted.Ensure(t.Context(), build))
	if repaired, err := os.ReadFile(file); err != nil || len(repaired) != len(whole) {
		t.Errorf("%d of %d bytes, error %v", len(repaired), len(whole), err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(noCertificate, []byte("nothing"), 0o600))
	cases := map[string]feed.Options{
		"no scheme":          {URL: "mirror.example/databases"},
		"scheme":             {URL: "ftp://mirror.example/databases"},
		"secret in nonsense": {URL: "https://user:hunter2@:x:/"},
		"no certificate":     {CAFile: noCertificate},
	}
	for name, options := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := feed.Open(t.TempDir(), options)
			if !errors.Is(err, errkind.Invalid) {
				t.Fatalf("error %v, want errkind.Invalid", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v shows the password", err)
			}
		})
	}
}
