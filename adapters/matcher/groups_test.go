package matcher_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func groupsOf(t *testing.T, document []byte) []vuln.Group {
	t.Helper()
	groups, _, err := matcher.Groups(document)
	must(t, err)
	return groups
}

// shapes are the numbers of artifacts of each member, for each group that has the
// key.
func shapes(groups []vuln.Group, key string) [][]int {
	var out [][]int
	for _, g := range groups {
		if !slices.Contains(g.Keys, key) {
			continue
		}
		var shape []int
		for _, artifacts := range g.Artifacts {
			shape = append(shape, len(artifacts))
		}
		slices.Sort(shape)
		out = append(out, shape)
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

func TestGroupsTieWhatDecidesTogether(t *testing.T) {
	t.Parallel()
	node, golang, deb := groupsOf(t, nodeImage(t)), groupsOf(t, goImage(t)), groupsOf(t, debianImage(t))
	cases := []struct {
		name   string
		groups []vuln.Group
		key    string
		want   [][]int
	}{
		{"alone", node, "@babel/core", [][]int{{1}}},
		// Owned by the RPM nodejs: npm and one of the three lodash 4.17.20. The other
		// two are one member of a group of their own, as is 4.17.19.
		{"twice, and once more as owned", node, "lodash", [][]int{{1}, {1, 1, 1}, {2}}},
		{"owner", node, "nodejs", [][]int{{1, 1, 1}}},
		{"same name and version, another group id", node, "com.example:core", [][]int{{1, 1}}},
		{"in two binaries with other symbols", golang, "golang.org/x/net", [][]int{{1, 1}}},
		{"by source package", deb, "openssl", [][]int{{1}, {1}}},
		{"left out, being owned in the same version", deb, "sqlparse", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, shapes(c.groups, c.key)); diff != "" {
				t.Errorf("artifacts of each member of each group of %s (-want +got):\n%s", c.key, diff)
			}
		})
	}
}

// TestEqualPackagesShareAGroup puts a package elsewhere and in other company.
func TestEqualPackagesShareAGroup(t *testing.T) {
	t.Parallel()
	one := &inventory{release: amazon()}
	one.add(npm("lodash", "4.17.20", "/app/package.json"))
	one.add(jar("org.example", "core", "1.0", "/one/a.jar"))
	other := &inventory{release: amazon()}
	other.add(npm("express", "4.0.0", "/x/package.json"))
	other.add(jar("org.example", "core", "1.0", "/two/b.jar"))
	other.add(npm("lodash", "4.17.20", "/y/package.json"))
	var shared []string
	for _, g := range groupsOf(t, one.json(t)) {
		if slices.ContainsFunc(groupsOf(t, other.json(t)), func(o vuln.Group) bool { return o.Fingerprint == g.Fingerprint }) {
			shared = append(shared, g.Keys[len(g.Keys)-1])
		}
	}
	slices.Sort(shared)
	if diff := cmp.Diff([]string{"lodash", "org.example:core"}, shared); diff != "" {
		t.Errorf("shared groups (-want +got):\n%s", diff)
	}
}

// TestWhatMattersSeparates changes one thing at a time that matching checks.
func TestWhatMattersSeparates(t *testing.T) {
	t.Parallel()
	version := func(i *inventory) { i.packages[0].Version = "2" }
	release := func(i *inventory) { i.release = alpine() }
	origin := func(i *inventory) { i.packages[0] = deb("p", "1", "source") }
	owner := func(i *inventory) { i.own(0, 1) }
	cases := map[string]func(*inventory){"version": version, "distribution": release, "source": origin, "owner": owner}
	make := func(change func(*inventory)) []vuln.Group {
		i := &inventory{release: debian()}
		i.add(deb("p", "1", ""))
		i.add(npm("q", "1.0", "/q/package.json"))
		change(i)
		for at := range i.packages {
			i.packages[at].SetID()
		}
		return groupsOf(t, i.json(t))
	}
	before := make(func(*inventory) {})
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			after := make(change)
			if len(after) == len(before) && after[0].Fingerprint == before[0].Fingerprint && after[1].Fingerprint == before[1].Fingerprint {
				t.Error("the fingerprints are the same")
			}
		})
	}
}

func TestKeysAreAllNames(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		add  func(*inventory)
		want []string
	}{
		{"source package", func(i *inventory) { i.add(deb("libssl3", "3", "openssl")) }, []string{"libssl3", "openssl"}},
		{"source RPM", func(i *inventory) { i.add(rpm("npm", "8", "nodejs-18.12.0-1.amzn2023.src.rpm")) }, []string{"nodejs", "npm"}},
		{"normalized", func(i *inventory) { i.add(python("Foo.Bar_Baz", "1", "/x")) }, []string{"foo-bar-baz", "foo.bar_baz"}},
		{"Java coordinates", func(i *inventory) { i.add(jar("Org.X", "Y", "1", "/y.jar")) }, []string{"org.x:y", "y"}},
		{"products of Alpine", func(i *inventory) { i.add(apk("LibSSL3", "3", "OpenSSL")) },
			[]string{"cpe:libssl3", "libssl3", "openssl"}},
		{"products of a binary", func(i *inventory) { i.add(binary("redis", "7", "/redis")) }, []string{"cpe:redis", "redis"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			i := &inventory{release: amazon()}
			c.add(i)
			if diff := cmp.Diff(c.want, groupsOf(t, i.json(t))[0].Keys); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoSBOM(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", "junk", strings.Repeat("[", 100)} {
		if _, _, err := matcher.Groups([]byte(text)); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%.10q: error %v, want errkind.Invalid", text, err)
		}
	}
}
