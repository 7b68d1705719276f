package feed_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/anchore/grype/grype"
	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/db/v6/distribution"
	"github.com/anchore/grype/grype/db/v6/installation"
	"github.com/anchore/grype/grype/distro"
	"github.com/anchore/grype/grype/matcher"
	"github.com/anchore/grype/grype/matcher/dpkg"
	"github.com/anchore/grype/grype/matcher/rpm"
	"github.com/anchore/grype/grype/matcher/stock"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/grype/grype/version"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// knowledge has one vulnerability for each kind of package that an image of the
// lab can hold, and for each kind one that does not apply.
var knowledge = []feed.Vulnerability{
	{Provider: feed.Debian, ID: "CVE-2023-5363", Package: "openssl", Fixed: "3.0.11-1~deb12u2", Severity: "High",
		KnownExploited: true, EPSS: 0.42},
	{Provider: feed.Debian, ID: "CVE-2023-0001", Package: "openssl", Fixed: "3.0.8-1", Severity: "High"},
	{Provider: feed.NVD, ID: "CVE-2023-5363", Severity: "Critical", Description: "A key length is not checked", CWEs: []string{"CWE-684"}},
	{Provider: feed.GitHub, ID: "GHSA-35jh-r3h4-6jhm", Package: "lodash", Ecosystem: "npm", Fixed: "4.17.21", Severity: "High",
		Aliases: []string{"CVE-2021-23337"}},
	{Provider: feed.GitHub, ID: "GHSA-vvpx-j8f3-3w6h", Package: "golang.org/x/net", Ecosystem: "go", Fixed: "0.17.0", Severity: "High"},
	{Provider: feed.GitHub, ID: "GHSA-jfh8-c2jp-5v3q", Package: "org.apache.logging.log4j:log4j-core", Ecosystem: "java",
		Affected: ">=2.13.0,<2.15.0", Fixed: "2.15.0", Severity: "Critical"},
	{Provider: feed.GitHub, ID: "GHSA-2m34-jcjv-45xf", Package: "django", Ecosystem: "python", Fixed: "4.2.2", Severity: "Medium"},
	{Provider: feed.GitHub, ID: "GHSA-hxqx-xwvh-44m2", Package: "rack", Ecosystem: "gem", Fixed: "2.2.3.1", Severity: "High"},
	{Provider: feed.Alpine, ID: "CVE-2024-5535", Package: "openssl", Fixed: "3.3.1-r1", Severity: "Critical"},
}

func TestMatches(t *testing.T) {
	cases := []struct {
		name string
		part lab.Part
		want []string // package, vulnerability, severity, fix
	}{
		{"debian by source package", lab.Debian(lab.Bookworm()...), []string{
			"libssl3 CVE-2023-5363 High fixed 3.0.11-1~deb12u2",
			"openssl CVE-2023-5363 High fixed 3.0.11-1~deb12u2",
		}},
		{"npm", lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"}),
			[]string{"lodash GHSA-35jh-r3h4-6jhm High fixed 4.17.21"}},
		{"go", lab.GoBinary("/app", lab.GoModule{Path: "golang.org/x/net", Version: "v0.7.0"}),
			[]string{"golang.org/x/net GHSA-vvpx-j8f3-3w6h High fixed 0.17.0"}},
		{"java", lab.Java("/opt", lab.Jar{Group: "org.apache.logging.log4j", Artifact: "log4j-core", Version: "2.14.1"}),
			[]string{"log4j-core GHSA-jfh8-c2jp-5v3q Critical fixed 2.15.0"}},
		{"python", lab.Python(lab.PythonPackage{Name: "Django", Version: "4.2.1"}),
			[]string{"django GHSA-2m34-jcjv-45xf Medium fixed 4.2.2"}},
		{"ruby", lab.Ruby(lab.Gem{Name: "rack", Version: "2.2.3"}), []string{"rack GHSA-hxqx-xwvh-44m2 High fixed 2.2.3.1"}},
		{"alpine by source package", lab.Alpine(lab.Apk{Name: "libssl3", Version: "3.3.0-r2", Origin: "openssl"}),
			[]string{"libssl3 CVE-2024-5535 Critical fixed 3.3.1-r1"}},
		{"npm, fixed", lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.21"}), nil},
	}
	reader := install(t, knowledge...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := matches(t, reader, newImage(t, c.part))
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestStatements has each thing that a provider can say about a package.
func TestStatements(t *testing.T) {
	curl := lab.Deb{Name: "libcurl4", Version: "7.88.1-10", Source: "curl"}
	busybox := lab.Apk{Name: "busybox", Version: "1.36.1-r0"}
	express := lab.NodeModule{Name: "express", Version: "4.17.0"}
	about := func(provider feed.Provider, id, name string, rest feed.Vulnerability) feed.Vulnerability {
		rest.Provider, rest.ID, rest.Package, rest.Severity = provider, id, name, "Medium"
		return rest
	}
	cases := []struct {
		name string
		part lab.Part
		says []feed.Vulnerability
		want []string
	}{
		{"no fix yet", lab.Debian(curl), []feed.Vulnerability{about(feed.Debian, "CVE-2024-1", "curl", feed.Vulnerability{})},
			[]string{"libcurl4 CVE-2024-1 Medium not-fixed "}},
		{"will not fix", lab.Debian(curl),
			[]feed.Vulnerability{about(feed.Debian, "CVE-2024-1", "curl", feed.Vulnerability{FixState: feed.WontFix})},
			[]string{"libcurl4 CVE-2024-1 Medium wont-fix "}},
		{"not affected", lab.Debian(curl),
			[]feed.Vulnerability{about(feed.Debian, "CVE-2024-1", "curl", feed.Vulnerability{FixState: feed.NotAffected})}, nil},
		{"other release", lab.Debian(curl),
			[]feed.Vulnerability{about(feed.Debian, "CVE-2024-1", "curl", feed.Vulnerability{Release: "11"})}, nil},
		{"two packages in a record", lab.Debian(curl, lab.Deb{Name: "wget", Version: "1.21"}), []feed.Vulnerability{
			about(feed.Debian, "CVE-2024-1", "curl", feed.Vulnerability{Fixed: "8.0"}),
			about(feed.Debian, "CVE-2024-1", "wget", feed.Vulnerability{Fixed: "1.22"})},
			[]string{"libcurl4 CVE-2024-1 Medium fixed 8.0", "wget CVE-2024-1 Medium fixed 1.22"}},
		{"range", lab.Node("/app", express),
			[]feed.Vulnerability{about(feed.GitHub, "GHSA-1", "express", feed.Vulnerability{Ecosystem: "npm", Affected: ">=4.18.0"})}, nil},
		{"withdrawn", lab.Node("/app", express),
			[]feed.Vulnerability{about(feed.GitHub, "GHSA-1", "express", feed.Vulnerability{Ecosystem: "npm", Withdrawn: true})}, nil},
		{"by CPE", lab.Alpine(busybox),
			[]feed.Vulnerability{about(feed.NVD, "CVE-2024-1", "busybox:busybox", feed.Vulnerability{Affected: ">=1.0,<=1.36.1"})},
			[]string{"busybox CVE-2024-1 Medium  "}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := matches(t, install(t, c.says...), newImage(t, c.part)); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// install publishes a database and takes the way of the grype command to it:
// listing, download, checksum, import.
func install(t *testing.T, known ...feed.Vulnerability) v6.Reader {
	t.Helper()
	published := newFeed(t)
	if _, err := published.PublishBuild(t.TempDir(), known...); err != nil {
		t.Fatal(err)
	}
	curator := newCurator(t, published)
	if updated, err := curator.Update(); err != nil || !updated {
		t.Fatalf("update: %v, %v", updated, err)
	}
	reader, err := curator.Reader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return reader
}

func newFeed(t *testing.T) *feed.Feed {
	t.Helper()
	published, err := feed.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = published.Close() })
	return published
}

func newClient(t *testing.T, published *feed.Feed) distribution.Client {
	t.Helper()
	settings := distribution.DefaultConfig()
	settings.LatestURL = published.ListingURL()
	settings.RequireUpdateCheck = true
	client, err := distribution.NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newCurator(t *testing.T, published *feed.Feed) v6.Curator {
	t.Helper()
	config := installation.Config{DBRootDir: t.TempDir(), ValidateChecksum: true}
	curator, err := installation.NewCurator(config, newClient(t, published))
	if err != nil {
		t.Fatal(err)
	}
	return curator
}

func matches(t *testing.T, reader v6.Reader, built v1.Image) []string {
	t.Helper()
	packages, about, _, err := pkg.ProvideFromReader(encode(t, catalog(t, built)), pkg.ProviderConfig{
		SynthesisConfig: pkg.SynthesisConfig{Distro: pkg.DistroConfig{FixChannels: distro.DefaultFixChannels()}}})
	if err != nil {
		t.Fatal(err)
	}
	m := grype.VulnerabilityMatcher{
		VulnerabilityProvider: v6.NewVulnerabilityProvider(reader),
		Matchers: matcher.NewDefaultMatchers(matcher.Config{
			Stock: stock.MatcherConfig{UseCPEs: true},
			Dpkg:  dpkg.MatcherConfig{MissingEpochStrategy: version.MissingEpochStrategyZero},
			Rpm:   rpm.MatcherConfig{MissingEpochStrategy: version.MissingEpochStrategyAuto},
		}),
	}
	found, _, err := m.FindMatchesContext(t.Context(), packages, about)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for each := range found.Enumerate() {
		lines[fmt.Sprintf("%s %s %s %s %s", each.Package.Name, each.Vulnerability.ID, each.Vulnerability.Metadata.Severity,
			each.Vulnerability.Fix.State, first(each.Vulnerability.Fix.Versions))] = true
	}
	return slices.Sorted(maps.Keys(lines))
}

func first(versions []string) string {
	if len(versions) == 0 {
		return ""
	}
	return versions[0]
}
