package matcher_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/db/v6/distribution"
	"github.com/anchore/grype/grype/db/v6/installation"
	"github.com/anchore/syft/syft/linux"
	"github.com/anchore/syft/syft/pkg"

	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// distributions is data about the package openssl of each of these releases.
func distributions(releases map[feed.Provider][]string) []feed.Vulnerability {
	var all []feed.Vulnerability
	for provider, versions := range releases {
		for _, version := range versions {
			all = append(all, feed.Vulnerability{Provider: provider, Release: version, ID: "CVE-2026-1", Package: "openssl", Severity: "High"})
		}
	}
	return append(all, feed.Vulnerability{Provider: feed.GitHub, ID: "GHSA-1111-2222-3333", Package: "lodash", Ecosystem: "npm", Severity: "High"})
}

// published is a matcher with that data, as grype's own builder makes it; change
// may alter the file first.
func published(t *testing.T, change func(*sql.DB), vulnerabilities ...feed.Vulnerability) *matcher.Matcher {
	t.Helper()
	built, err := feed.Build(t.TempDir(), vulnerabilities...)
	must(t, err)
	client, err := distribution.NewClient(distribution.DefaultConfig())
	must(t, err)
	dir := t.TempDir()
	curator, err := installation.NewCurator(installation.Config{DBRootDir: dir}, client)
	must(t, err)
	must(t, curator.Import(built.Archive))
	dir = filepath.Join(dir, "6")
	file, err := sql.Open("sqlite", filepath.Join(dir, v6.VulnerabilityDBFileName))
	must(t, err)
	if change != nil {
		change(file)
	}
	must(t, file.Close())
	m := matcher.New(func(string) (string, error) { return dir, nil })
	t.Cleanup(func() { must(t, m.Close()) })
	return m
}

// releases are those of which the test's data has records.
var releases = map[feed.Provider][]string{
	feed.Alpine: {"3.19", "3.20", "edge"}, feed.Amazon: {"2", "2023"}, feed.Chainguard: {"rolling"}, feed.Debian: {"12", "13", "unstable"},
	feed.Oracle: {"9"}, feed.Photon: {"5.0"}, feed.RedHat: {"8", "9"}, feed.SLES: {"15.5"}, feed.Ubuntu: {"24.04"}, feed.Wolfi: {"rolling"},
}

// TestCoverage looks distributions up in data made by grype's builder, and holds
// each answer against what grype finds: where it is said to be covered, or
// served from other releases, grype finds the vulnerability that all have;
// elsewhere it does not.
func TestCoverage(t *testing.T) {
	t.Parallel()
	const nothing, others, unknown, unnamed = "the data has nothing about", "only about other releases", "grype does not know", "does not say"
	m := published(t, nil, distributions(releases)...)
	for _, c := range []struct {
		name    string
		release *linux.Release
		pack    func(name, version, origin string) pkg.Package
		reason  string // why it is not covered; "" if it is
		named   string
	}{
		{"debian 12", &linux.Release{ID: "debian", VersionID: "12", VersionCodename: "bookworm"}, deb, "", "debian 12"},
		{"debian point release", &linux.Release{ID: "debian", VersionID: "12.5", VersionCodename: "bookworm"}, deb, "", "debian 12.5"},
		{"debian 10", &linux.Release{ID: "debian", VersionID: "10", VersionCodename: "buster"}, deb, nothing, "debian 10"},
		{"debian testing", &linux.Release{ID: "debian", VersionCodename: "trixie"}, deb, "", "debian trixie"},
		{"debian sid", &linux.Release{ID: "debian", VersionCodename: "forky"}, deb, "", "debian forky"},
		{"debian of tomorrow", &linux.Release{ID: "debian", VersionCodename: "duke"}, deb, nothing, "debian duke"},
		{"ubuntu", &linux.Release{ID: "ubuntu", VersionID: "24.04", VersionCodename: "noble"}, deb, "", "ubuntu 24.04"},
		{"ubuntu interim", &linux.Release{ID: "ubuntu", VersionID: "24.10", VersionCodename: "oracular"}, deb, nothing, "ubuntu 24.10"},
		{"ubuntu past its end", &linux.Release{ID: "ubuntu", VersionID: "18.04", VersionCodename: "bionic"}, deb, nothing, "ubuntu 18.04"},
		{"alpine 3.20", &linux.Release{ID: "alpine", VersionID: "3.20.3"}, apk, "", "alpine 3.20.3"},
		{"alpine 3.99", &linux.Release{ID: "alpine", VersionID: "3.99.0"}, apk, others, "alpine 3.99.0"},
		{"alpine 4", &linux.Release{ID: "alpine", VersionID: "4.0.0"}, apk, nothing, "alpine 4.0.0"},
		{"alpine edge", &linux.Release{ID: "alpine", VersionID: "3.21.0_alpha20240807"}, apk, "", "alpine 3.21.0_alpha20240807"},
		{"rhel", &linux.Release{ID: "rhel", VersionID: "9.4"}, rpm, "", "rhel 9.4"},
		{"rhel of tomorrow", &linux.Release{ID: "rhel", VersionID: "9.77"}, rpm, "", "rhel 9.77"},
		{"rhel 7", &linux.Release{ID: "rhel", VersionID: "7.9"}, rpm, nothing, "rhel 7.9"},
		{"rocky", &linux.Release{ID: "rocky", VersionID: "9.3", IDLike: []string{"rhel", "centos", "fedora"}}, rpm, "", "rocky 9.3"},
		{"alma", &linux.Release{ID: "almalinux", VersionID: "8.9"}, rpm, "", "almalinux 8.9"},
		{"alma 7", &linux.Release{ID: "almalinux", VersionID: "7.9"}, rpm, nothing, "almalinux 7.9"},
		{"centos stream", &linux.Release{ID: "centos", VersionID: "9"}, rpm, "", "centos 9"},
		{"oracle", &linux.Release{ID: "ol", VersionID: "9.4"}, rpm, "", "ol 9.4"},
		{"oracle 6", &linux.Release{ID: "ol", VersionID: "6.10"}, rpm, nothing, "ol 6.10"},
		{"fedora", &linux.Release{ID: "fedora", VersionID: "40"}, rpm, nothing, "fedora 40"},
		{"amazon", &linux.Release{ID: "amzn", VersionID: "2023"}, rpm, "", "amzn 2023"},
		{"amazon 2018", &linux.Release{ID: "amzn", VersionID: "2018.03"}, rpm, nothing, "amzn 2018.03"},
		{"sles", &linux.Release{ID: "sles", VersionID: "15.5"}, rpm, "", "sles 15.5"},
		{"sles service pack without data", &linux.Release{ID: "sles", VersionID: "15.7"}, rpm, others, "sles 15.7"},
		{"opensuse", &linux.Release{ID: "opensuse-leap", VersionID: "15.5", IDLike: []string{"suse"}}, rpm, nothing, "opensuse-leap 15.5"},
		{"photon", &linux.Release{ID: "photon", VersionID: "5.0"}, rpm, "", "photon 5.0"},
		{"photon 3", &linux.Release{ID: "photon", VersionID: "3.0"}, rpm, nothing, "photon 3.0"},
		{"wolfi", &linux.Release{ID: "wolfi", VersionID: "20230201"}, apk, "", "wolfi 20230201"},
		{"chainguard", &linux.Release{ID: "chainguard", VersionID: "20240101"}, apk, "", "chainguard 20240101"},
		{"minimos", &linux.Release{ID: "minimos", VersionID: "20240101"}, apk, nothing, "minimos 20240101"},
		{"clone of debian", &linux.Release{ID: "mylinux", VersionID: "12", IDLike: []string{"debian"}}, deb, "", "mylinux 12 (as debian 12)"},
		{"clone of no release", &linux.Release{ID: "mylinux", IDLike: []string{"debian"}}, deb, "", "mylinux (as debian)"},
		{"clone with versions of its own", &linux.Release{ID: "kali", VersionID: "2024.1", VersionCodename: "kali-rolling", IDLike: []string{"debian"}},
			deb, nothing, "kali 2024.1 (as debian 2024.1)"},
		{"clone of what nobody knows", &linux.Release{ID: "mylinux", VersionID: "1", IDLike: []string{"yours"}}, deb, unknown, "mylinux 1"},
		{"unknown", &linux.Release{ID: "foolinux", VersionID: "1.2"}, rpm, unknown, "foolinux 1.2"},
		{"empty os-release", &linux.Release{}, deb, unnamed, ""},
		{"no os-release", nil, deb, unnamed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := &inventory{release: c.release}
			i.add(c.pack("openssl", "1.0-1", ""))
			groups, distribution, err := matcher.Groups(i.json(t))
			must(t, err)
			got := coverageOf(t, m, distribution)
			if got.Missing() != (c.reason != "") || !strings.Contains(got.Reason, c.reason) || got.Distribution != c.named {
				t.Errorf("coverage %+v, want the distribution %q and the reason %q", got, c.named, c.reason)
			}
			if finds, want := foundOfDistribution(t, m, groups), c.reason == "" || c.reason == others; finds != want {
				t.Errorf("grype finds the vulnerability: %t, and the coverage is %+v", finds, got)
			}
			dataless, err := m.Dataless(t.Context(), "any", groups)
			must(t, err)
			if want := c.reason == nothing; dataless[0] != want {
				t.Errorf("nothing about the package's distribution: %t, want %t", dataless[0], want)
			}
		})
	}
}

func coverageOf(t *testing.T, m *matcher.Matcher, distribution vuln.Distribution) vuln.Coverage {
	t.Helper()
	found, err := m.Coverage(t.Context(), "any", []vuln.Distribution{distribution})
	must(t, err)
	return found[distribution]
}

func foundOfDistribution(t *testing.T, m *matcher.Matcher, groups []vuln.Group) bool {
	t.Helper()
	lists, err := m.Match(t.Context(), "any", groups)
	must(t, err)
	return slices.ContainsFunc(slices.Concat(lists...), func(f vuln.GroupFinding) bool { return f.OfDistribution() })
}

// TestCoverageWithoutPackages: who has no packages of a distribution misses
// nothing, unless it names one.
func TestCoverageWithoutPackages(t *testing.T) {
	t.Parallel()
	m := published(t, nil, distributions(releases)...)
	static := &inventory{}
	static.add(goModule("golang.org/x/net", "v0.1.0", "/app", nil))
	for name, c := range map[string]struct {
		image *inventory
		want  vuln.CoverageState
	}{
		"static binary":              {static, vuln.NotApplicable},
		"nothing at all":             {&inventory{}, vuln.NotApplicable},
		"only debian 12 by name":     {&inventory{release: debian()}, vuln.Covered},
		"only debian 10 by name":     {&inventory{release: &linux.Release{ID: "debian", VersionID: "10"}}, vuln.NotCovered},
		"busybox":                    {&inventory{release: &linux.Release{ID: "busybox", VersionID: "1.36.1"}}, vuln.NotCovered},
		"windows":                    {&inventory{release: &linux.Release{ID: "windows", VersionID: "10.0"}}, vuln.NotCovered},
		"only an unknown ID by name": {&inventory{release: &linux.Release{ID: "foolinux"}}, vuln.NotCovered},
	} {
		_, distribution, err := matcher.Groups(c.image.json(t))
		must(t, err)
		if got := coverageOf(t, m, distribution); got.State != c.want {
			t.Errorf("%s: coverage %+v, want %s", name, got, c.want)
		}
	}
}

// TestCoverageNeedsRecords: the name of a release in the data is not data about
// it, and neither are statements about what is not affected.
func TestCoverageNeedsRecords(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"no records":    `DELETE FROM affected_package_handles WHERE operating_system_id = (SELECT id FROM operating_systems WHERE name = 'debian' AND major_version = '12')`,
		"only negative": `UPDATE affected_package_handles SET operating_system_id = (SELECT id FROM operating_systems WHERE name = 'alpine' LIMIT 1) WHERE operating_system_id = (SELECT id FROM operating_systems WHERE name = 'debian' AND major_version = '12')`,
		"no release":    `DELETE FROM operating_systems WHERE name = 'debian' AND major_version = '12'`,
	} {
		m := published(t, func(file *sql.DB) {
			result, err := file.Exec(statement)
			must(t, err)
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				t.Fatalf("%s: %d rows, %v", name, n, err)
			}
		}, append(distributions(releases), feed.Vulnerability{Provider: feed.Debian, Release: "12", ID: "CVE-2026-2", Package: "zlib", FixState: feed.NotAffected})...)
		i := &inventory{release: debian()}
		i.add(deb("openssl", "1.0-1", ""))
		groups, distribution, err := matcher.Groups(i.json(t))
		must(t, err)
		if got := coverageOf(t, m, distribution); !got.Missing() || foundOfDistribution(t, m, groups) {
			t.Errorf("%s: coverage %+v", name, got)
		}
	}
}

// TestEndOfLife: each distribution has its own date, also one that takes the records
// of another.
func TestEndOfLife(t *testing.T) {
	t.Parallel()
	m := published(t, func(db *sql.DB) {
		_, err := db.Exec(`UPDATE operating_systems SET eol_date = '2026-06-10 00:00:00+00:00' WHERE name = 'debian' AND major_version = '12'`)
		must(t, err)
	}, distributions(releases)...)
	for _, test := range []struct {
		release linux.Release
		want    time.Time
	}{
		{linux.Release{ID: "debian", VersionID: "12"}, time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)},
		{linux.Release{ID: "debian", VersionID: "13"}, time.Time{}},
		{linux.Release{ID: "debian", VersionID: "99"}, time.Time{}},
		{linux.Release{ID: "raspbian", VersionID: "12"}, time.Time{}},
		{linux.Release{ID: "alpine", VersionID: "3.20.1"}, time.Time{}},
	} {
		i := &inventory{release: &test.release}
		i.add(deb("openssl", "1.0-1", ""))
		_, distribution, err := matcher.Groups(i.json(t))
		must(t, err)
		if got := coverageOf(t, m, distribution); !got.EndOfLife.Equal(test.want) {
			t.Errorf("%s %s: %+v, want the end of life %s", test.release.ID, test.release.VersionID, got, test.want)
		}
	}
}
