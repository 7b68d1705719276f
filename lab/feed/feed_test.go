package feed_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

func TestDatabaseDecoratesCVEs(t *testing.T) {
	reader := install(t, knowledge...)
	const cve = "CVE-2023-5363"

	exploited, err := reader.GetKnownExploitedVulnerabilities(cve)
	if err != nil || len(exploited) != 1 {
		t.Errorf("known exploited: got %v, %v", exploited, err)
	}
	scores, err := reader.GetEpss(cve)
	if err != nil || len(scores) != 1 || scores[0].Epss != 0.42 {
		t.Errorf("EPSS: got %v, %v", scores, err)
	}
	weaknesses, err := reader.GetCWEs(cve)
	if err != nil || len(weaknesses) != 1 || weaknesses[0].CWE != "CWE-684" {
		t.Errorf("CWE: got %v, %v", weaknesses, err)
	}
}

func TestBuildsInOneSecondDiffer(t *testing.T) {
	dir := t.TempDir()
	older, err := feed.Build(dir, knowledge[0])
	if err != nil {
		t.Fatal(err)
	}
	newer, err := feed.Build(dir, knowledge[0])
	if err != nil {
		t.Fatal(err)
	}
	if !newer.Built.After(older.Built) || newer.Archive == older.Archive || newer.Checksum == older.Checksum {
		t.Errorf("got %+v after %+v", newer, older)
	}
}

func TestBuildRefuses(t *testing.T) {
	cases := []struct {
		name string
		in   []feed.Vulnerability
		want string
	}{
		{"nothing", nil, "at least one"},
		{"no ID", []feed.Vulnerability{{Provider: feed.Debian, Package: "openssl"}}, "needs an ID"},
		{"unknown provider", []feed.Vulnerability{{Provider: "moon", ID: "CVE-1", Package: "x"}}, "as provider"},
		{"no package", []feed.Vulnerability{{Provider: feed.Debian, ID: "CVE-1"}}, "needs a package"},
		{"no ecosystem", []feed.Vulnerability{{Provider: feed.GitHub, ID: "GHSA-1", Package: "x"}}, "needs an ecosystem"},
		{"half a CPE", []feed.Vulnerability{{Provider: feed.NVD, ID: "CVE-1", Package: "x"}}, "vendor:product"},
		{"open range", []feed.Vulnerability{{Provider: feed.NVD, ID: "CVE-1", Package: "x:y", Affected: ">1.0"}}, "affected range"},
		{"state of a module", []feed.Vulnerability{{Provider: feed.GitHub, ID: "GHSA-1", Package: "x", Ecosystem: "npm", FixState: feed.WontFix}}, "fix state"},
		{"score without CVE", []feed.Vulnerability{{Provider: feed.GitHub, ID: "GHSA-1", Package: "x", Ecosystem: "npm", EPSS: 0.1}}, "need a CVE"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := feed.Build(t.TempDir(), c.in...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestLies shows each lie to grype's own client, which falls for some of them.
func TestLies(t *testing.T) {
	past := time.Date(2020, time.May, 1, 0, 0, 0, 0, time.UTC)
	database, err := feed.BuildAt(t.TempDir(), past, knowledge...)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name      string
		lies      []feed.Lie
		installed bool
		refused   bool
	}{
		{name: "none", installed: true},
		{name: "no checksum", lies: []feed.Lie{feed.NoChecksum}, installed: true},
		{name: "wrong checksum", lies: []feed.Lie{feed.WrongChecksum}, refused: true},
		{name: "other time", lies: []feed.Lie{feed.ClaimBuilt(past.AddDate(1, 0, 0))}, installed: true},
		{name: "corrupt", lies: []feed.Lie{feed.Corrupt}, refused: true},
		{name: "truncated", lies: []feed.Lie{feed.Truncate}, refused: true},
		{name: "junk", lies: []feed.Lie{feed.Junk}, refused: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			published := newFeed(t)
			if err := published.Publish(database, c.lies...); err != nil {
				t.Fatal(err)
			}
			installed, err := newCurator(t, published).Update()
			if installed != c.installed || (err != nil) != c.refused {
				t.Errorf("got %v, %v", installed, err)
			}
		})
	}
}

func TestDatabaseKnowsItsTime(t *testing.T) {
	past := time.Date(2020, time.May, 1, 12, 30, 15, 0, time.UTC)
	database, err := feed.BuildAt(t.TempDir(), past, knowledge[0])
	if err != nil {
		t.Fatal(err)
	}
	published := newFeed(t)
	if err := published.Publish(database); err != nil {
		t.Fatal(err)
	}
	curator := newCurator(t, published)
	if _, err := curator.Update(); err != nil {
		t.Fatal(err)
	}
	if status := curator.Status(); !status.Built.Equal(past) || status.Error != nil {
		t.Errorf("got %+v, want built %v", status, past)
	}
}

// TestClaims reads lies that only a client with a database of its own would judge
// from the listing.
func TestClaims(t *testing.T) {
	database, err := feed.Build(t.TempDir(), knowledge[0])
	if err != nil {
		t.Fatal(err)
	}
	published := newFeed(t)
	claimed := time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)
	if err := published.Publish(database, feed.ClaimModel(v6.ModelVersion+1), feed.ClaimBuilt(claimed)); err != nil {
		t.Fatal(err)
	}
	listing, err := newClient(t, published).Latest()
	if err != nil {
		t.Fatal(err)
	}
	if listing.SchemaVersion.Model != v6.ModelVersion+1 || !listing.Built.Equal(claimed) {
		t.Errorf("got %v, built %v", listing.SchemaVersion, listing.Built)
	}
}

func TestFeedFailsAndRecovers(t *testing.T) {
	published := newFeed(t)
	if _, err := published.PublishBuild(t.TempDir(), knowledge[0]); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, published)
	lift := published.Fail(lab.Fault{Path: feed.ListingPath, Status: http.StatusInternalServerError})
	if _, err := client.Latest(); err == nil {
		t.Error("a failing feed gave a listing")
	}
	lift()
	if _, err := client.Latest(); err != nil {
		t.Errorf("after recovery: %v", err)
	}
	if !slices.Contains(published.Requests(), feed.ListingPath) {
		t.Errorf("got requests %v", published.Requests())
	}
}

// TestLargeDatabase is one that clients take, with all that it was filled with.
func TestLargeDatabase(t *testing.T) {
	published := newFeed(t)
	database, err := feed.BuildLarge(t.TempDir(), time.Now(), feed.Filler{Records: 1000, Rows: 3000, Scores: 500, Day: 1}, knowledge...)
	if err != nil {
		t.Fatal(err)
	}
	if err := published.Publish(database); err != nil {
		t.Fatal(err)
	}
	curator := newCurator(t, published)
	if _, err := curator.Update(); err != nil {
		t.Fatal(err)
	}
	reader, err := curator.Reader()
	if err != nil {
		t.Fatal(err)
	}
	found, err := reader.GetVulnerabilities(&v6.VulnerabilitySpecifier{Name: "CVE-2019-100999"}, nil)
	if err != nil || len(found) != 1 {
		t.Errorf("a record: got %v, %v", found, err)
	}
	rows, err := reader.GetAffectedPackages(&v6.PackageSpecifier{Name: "filler-1", Ecosystem: "deb"}, &v6.GetPackageOptions{PreloadVulnerability: true, PreloadBlob: true})
	if err != nil || len(rows) == 0 {
		t.Errorf("a package: got %v, %v", rows, err)
	}
	for _, row := range rows {
		number, _ := strings.CutPrefix(row.Vulnerability.Name, "CVE-2019-100")
		if fix := row.BlobValue.Ranges[0].Fix.Version; !strings.HasPrefix(fix, "1."+strings.TrimLeft(number, "0")+".") && !strings.HasPrefix(fix, "9.1.") {
			t.Errorf("%s, fixed in %s: the statement is of another record", row.Vulnerability.Name, fix)
		}
	}
	if scores, err := reader.GetEpss("CVE-2019-100500"); err != nil || len(scores) != 1 {
		t.Errorf("the last score: got %v, %v", scores, err)
	}
}
