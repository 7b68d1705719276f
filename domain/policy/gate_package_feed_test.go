package policy

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// withRegistries is an image with npm packages and gems, and what is published
// of them.
func withRegistries(npm, gems *PackageFeed) *Input {
	s := withPackages(
		sbom.Package{Name: "old", Version: "1", Type: "npm"},
		sbom.Package{Name: "old", Version: "1", Type: "npm", Location: "/elsewhere/package.json"},
		sbom.Package{Name: "old", Version: "2", Type: "npm"},
		sbom.Package{Name: "private", Version: "1", Type: "npm"},
		sbom.Package{Name: "rake", Version: "13", Type: "gem"},
		sbom.Package{Name: "mine", Version: "0", Type: "gem"},
	)
	s.NPM, s.Gems = npm, gems
	return s
}

var (
	published = withRegistries(
		&PackageFeed{Packages: map[string]Published{"old": {Latest: "2", Versions: []string{"1.5", "2"}}}},
		&PackageFeed{Packages: map[string]Published{"rake": {Latest: "14", Versions: []string{"14"}}}},
	)
	unpublished = withRegistries(&PackageFeed{}, &PackageFeed{})
	noRegistry  = withRegistries(nil, nil)
)

func TestNPMs(t *testing.T) {
	t.Parallel()
	testTrigger(t, "npms", "newer_version_in_feed", []gateTest{
		{"old version", nil, published, []string{"NPMNOTLATEST Package (old) version (1) installed but is not the latest version (2)"}},
		{"no data", nil, noRegistry, nil},
	})
	testTrigger(t, "npms", "unknown_in_feeds", []gateTest{
		{"unknown", nil, published, []string{"NPMNOTOFFICIAL Package (private) in container but not in official NPM feed."}},
		{"all unknown", nil, unpublished, nil},
		{"no data", nil, noRegistry, nil},
	})
	testTrigger(t, "npms", "version_not_in_feeds", []gateTest{
		{"unpublished", nil, published, []string{"NPMBADVERSION Package (old) version (1) installed but version is not in the official feed for this package (['1.5', '2'])"}},
		{"no data", nil, noRegistry, nil},
	})
	testTrigger(t, "npms", "blacklisted_name_version", []gateTest{
		{"any version, once", []string{"name", "old"}, noRegistry, []string{"NPM Package is blacklisted: old"}},
		{"one version", []string{"name", "old", "version", "2"}, noRegistry, []string{"NPM Package is blacklisted: old-2"}},
		{"another version", []string{"name", "old", "version", "3"}, noRegistry, nil},
		{"empty version", []string{"name", "old", "version", ""}, noRegistry, nil},
		{"of another type", []string{"name", "rake"}, noRegistry, nil},
	})
	testTrigger(t, "npms", "feed_data_unavailable", []gateTest{
		{"no data", nil, noRegistry, []string{"NPM packages are present but the anchore npm feed is not available - will be unable to perform checks that require feed data"}},
		{"data", nil, published, nil},
		{"no packages", nil, input(), nil},
	})
}

func TestRubyGems(t *testing.T) {
	t.Parallel()
	testTrigger(t, "ruby_gems", "newer_version_found_in_feed", []gateTest{
		{"old version", nil, published, []string{"Package (rake) version (13) installed but is not the latest version (14)"}},
	})
	testTrigger(t, "ruby_gems", "not_found_in_feed", []gateTest{
		{"unknown", nil, published, []string{"GEMNOTOFFICIAL Package (mine) in container but not in official GEM feed."}},
	})
	testTrigger(t, "ruby_gems", "version_not_found_in_feed", []gateTest{
		{"unpublished", nil, published, []string{"GEMBADVERSION Package (rake) version (13) installed but version is not in the official feed for this package (['14'])"}},
	})
	testTrigger(t, "ruby_gems", "blacklist", []gateTest{
		{"any version", []string{"name", "rake"}, noRegistry, []string{"Gem Package is blacklisted: rake"}},
		{"one version", []string{"name", "rake", "version", "13"}, noRegistry, []string{"Gem Package is blacklisted: rake-13"}},
		{"of another type", []string{"name", "old"}, noRegistry, nil},
	})
	testTrigger(t, "ruby_gems", "feed_data_unavailable", []gateTest{
		{"no data", nil, noRegistry, []string{"Gem packages are present but the anchore gem feed is not available - will be unable to perform checks that require feed data"}},
		{"no packages", nil, input(), nil},
	})
}
