package packages_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/packages"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
)

func TestNPM(t *testing.T) {
	t.Parallel()
	registry := serve(t, map[string]string{
		"/npm/lodash":         abbreviated("lodash", "4.17.21", "0.1.0", "4.17.20", "4.17.21", "5.0.0-alpha"),
		"/npm/@babel%2Fcore":  abbreviated("@babel/core", "7.24.0", "7.24.0"),
		"/npm/JSONStream":     `{"_id":"JSONStream","readme":"# {}","versions":{"1.0.0":{"name":"JSONStream"}},"dist-tags":{"latest":"1.0.0"},"time":{"1.0.0":"2012-01-01"}}`,
		"/npm/taken-back":     `{"name":"taken-back","time":{"unpublished":{"versions":["1.0.0"]}},"versions":{}}`,
		"/npm/a%20b":          abbreviated("a b", "1", "1"),
		"/etc/passwd":         abbreviated("passwd", "1", "1"),
		"/npm/":               abbreviated("", "1", "1"),
		"/npm/.bin":           abbreviated(".bin", "1", "1"),
		"/npm/@scope":         abbreviated("@scope", "1", "1"),
		"/npm/-/all":          abbreviated("-/all", "1", "1"),
		"/npm/" + long("a"):   abbreviated("a", "1", "1"),
		"/npm/..%2F..%2Fetc/": abbreviated("etc", "1", "1"),
	})
	names := []string{"lodash", "@babel/core", "JSONStream", "taken-back", "nowhere", "lodash",
		"a b", "../etc/passwd", "", ".bin", "@scope", "-/all", "../../etc/", long("a"), "a?b", "a%2f", "a\nb"}
	feed, err := open(t, packages.Options{NPM: registry.URL + "/npm/"}).NPM(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	want := &policy.PackageFeed{Packages: map[string]policy.Published{
		"lodash":      {Latest: "4.17.21", Versions: []string{"0.1.0", "4.17.20", "4.17.21", "5.0.0-alpha"}},
		"@babel/core": {Latest: "7.24.0", Versions: []string{"7.24.0"}},
		"JSONStream":  {Latest: "1.0.0", Versions: []string{"1.0.0"}},
	}}
	if diff := cmp.Diff(want, feed); diff != "" {
		t.Errorf("feed (-want +got)\n%s", diff)
	}
	asked := registry.asked()
	slices.Sort(asked)
	if want := []string{"GET /npm/@babel%2Fcore", "GET /npm/JSONStream", "GET /npm/lodash", "GET /npm/nowhere", "GET /npm/taken-back"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if !strings.HasPrefix(registry.accept, "application/vnd.npm.install-v1+json") {
		t.Errorf("accepts %q", registry.accept)
	}
}

// long is a name that is too long for any registry.
func long(text string) string { return strings.Repeat(text, 256) }

func TestGems(t *testing.T) {
	t.Parallel()
	registry := serve(t, map[string]string{
		"/api/v1/versions/nokogiri.json":   gem("1.16.0.rc1", "1.15.4", "1.15.4 java", "1.15.4 x86_64-linux", "1.9.0"),
		"/api/v1/versions/net-http.2.json": gem("0.4.1"),
		"/api/v1/versions/yanked.json":     gem(),
	})
	names := []string{"nokogiri", "net-http.2", "yanked", "nowhere", "../x", "a/b", "a b", "", "-rf", long("a")}
	feed, err := open(t, packages.Options{Gems: registry.URL}).Gems(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	want := &policy.PackageFeed{Packages: map[string]policy.Published{
		"nokogiri":   {Latest: "1.15.4", Versions: []string{"1.16.0.rc1", "1.15.4", "1.9.0"}},
		"net-http.2": {Latest: "0.4.1", Versions: []string{"0.4.1"}},
	}}
	if diff := cmp.Diff(want, feed); diff != "" {
		t.Errorf("feed (-want +got)\n%s", diff)
	}
	if asked := registry.asked(); len(asked) != 4 {
		t.Errorf("asked %q, want four gems only", asked)
	}
}

// The latest gem does not depend on the order of the answer.
func TestLatestGem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		versions []string
		want     string
	}{
		"numbers by value":               {[]string{"1.9", "1.10", "1.2"}, "1.10"},
		"beyond 64 bits":                 {[]string{"99999999999999999998", "99999999999999999999"}, "99999999999999999999"},
		"leading zeros":                  {[]string{"2023.010", "2023.9"}, "2023.010"},
		"more segments":                  {[]string{"2.0", "2.0.0.1"}, "2.0.0.1"},
		"no prerelease":                  {[]string{"1.0", "2.0.rc1"}, "1.0"},
		"no prerelease, in either order": {[]string{"2.0.rc1", "1.0"}, "1.0"},
		"only prereleases":               {[]string{"1.0.beta", "1.0.alpha", "1.0.rc1", "1.0.rc.1"}, "1.0.rc1"},
		"a hyphen is a prerelease":       {[]string{"1.0-a", "1.0.qq"}, "1.0.qq"},
		"a later text":                   {[]string{"1.0.b2", "1.0.b10"}, "1.0.b10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := serve(t, map[string]string{"/api/v1/versions/x.json": gem(test.versions...)})
			feed, err := open(t, packages.Options{Gems: registry.URL}).Gems(t.Context(), []string{"x"})
			if err != nil || feed.Packages["x"].Latest != test.want {
				t.Errorf("latest = %+v, %v; want %s", feed, err, test.want)
			}
		})
	}
}

func TestRegistriesThatAreNotConfigured(t *testing.T) {
	t.Parallel()
	registries := open(t, packages.Options{})
	npm, npmErr := registries.NPM(t.Context(), []string{"lodash"})
	gems, gemErr := registries.Gems(t.Context(), []string{"rake"})
	if npm != nil || gems != nil || npmErr != nil || gemErr != nil {
		t.Errorf("feeds %v and %v, errors %v and %v; want none", npm, gems, npmErr, gemErr)
	}
}

// A registry that is there and an image without such packages: a feed that is
// empty, not one that is missing.
func TestNoNames(t *testing.T) {
	t.Parallel()
	feed, err := open(t, packages.Options{NPM: "http://127.0.0.1:1"}).NPM(t.Context(), nil)
	if feed == nil || err != nil {
		t.Errorf("feed %v, error %v", feed, err)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"registry", "ftp://registry", "https://", "https://registry?a=b", "https://user:secret@registry", "://"} {
		for _, options := range []packages.Options{{NPM: address}, {Gems: address}} {
			_, err := packages.New(options)
			if !errors.Is(err, errkind.Invalid) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%+v: error = %v, want errkind.Invalid without a secret", options, err)
			}
		}
	}
	if _, err := packages.New(packages.Options{NPM: "https://registry", CAFile: "packages_test.go"}); !errors.Is(err, errkind.Invalid) {
		t.Errorf("CA file without certificates: %v, want errkind.Invalid", err)
	}
}
