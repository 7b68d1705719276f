package activities_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anchore/syft/syft/pkg"

	realmatcher "github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// A fleet like a company's: images on a few bases of one distribution, each
// base in several states of update, with an application on top. The packages are
// those of a real machine, testdata/packages; what they were in earlier states
// is made up. Most images are copies of others in the database.
type fleetSize struct {
	images   int
	models   int // of which all others are copies, at most 99 each
	updates  int // states of a distribution package
	releases int // of a library
}

const (
	fleetBases     = 40
	imageDebs      = 140
	imageLibraries = 100
	fleetNews      = 10 // records about packages of the fleet that a day changes: they touch more of them than a real day did
	analyzerOfTest = "syft of the benchmark"
)

// listed is a package of a real list.
type listed struct {
	kind                  string // of the list
	name, version         string
	source, sourceVersion string // of a distribution package
}

// fleet is the distinct packages that images can have: of each distribution
// package its states, then of each library its releases.
type fleet struct {
	fleetSize
	debs, libraries []listed
	packages        []pkg.Package
	groups          []vuln.Group // one for each package
	distribution    vuln.Distribution
}

func newFleet(b *testing.B, size fleetSize) *fleet {
	b.Helper()
	f := &fleet{fleetSize: size, debs: readList(b, "debian"), libraries: slices.Concat(readList(b, "npm"), readList(b, "python"), readList(b, "go"))}
	for _, deb := range f.debs {
		for state := range f.updates {
			f.packages = append(f.packages, deb.state(state, f.updates))
		}
	}
	for _, library := range f.libraries {
		for release := range f.releases {
			f.packages = append(f.packages, library.state(release, f.releases))
		}
	}
	groups, distribution, err := realmatcher.Groups(inventory(b, bookworm(), f.packages))
	mustBench(b, err)
	f.distribution = distribution
	byArtifact := map[string]vuln.Group{}
	for _, group := range groups {
		byArtifact[group.Artifacts[0][0]] = group
	}
	for _, p := range f.packages {
		f.groups = append(f.groups, byArtifact[string(p.ID())])
	}
	return f
}

func readList(b *testing.B, kind string) (list []listed) {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "packages", kind+".txt"))
	mustBench(b, err)
	for line := range strings.Lines(string(text)) {
		words := append(strings.Fields(line), "", "")
		list = append(list, listed{kind, words[0], words[1], words[2], words[3]})
	}
	return list
}

// state is the package as it was in one of several states, the last of which is
// the listed one: of distributions and libraries alike, such a suffix is earlier.
func (l listed) state(state, of int) pkg.Package {
	version, origin := l.version, l.sourceVersion
	if state < of-1 {
		earlier := map[string]string{"debian": "~s%d", "npm": "-rc.%d", "python": "rc%d", "go": "-rc.%d"}[l.kind]
		suffix := fmt.Sprintf(earlier, state)
		version, origin = version+suffix, origin+suffix
	}
	p := npmPackage(l.name, version)
	switch l.kind {
	case "debian":
		p = debPackage(l.name, version, l.source)
		p.Metadata = pkg.DpkgDBEntry{Package: l.name, Version: version, Source: l.source, SourceVersion: origin, Architecture: "amd64"}
	case "python":
		p = pythonPackage(l.name, version)
	case "go":
		p = pkg.Package{Name: l.name, Version: version, Type: pkg.GoModulePkg, Language: pkg.Go, PURL: "pkg:golang/" + l.name + "@" + version,
			Metadata: pkg.GolangBinaryBuildinfoEntry{GoCompiledVersion: "go1.26.0", Architecture: "amd64", MainModule: "example.org/app"}}
	}
	p.SetID()
	return p
}

// image is the packages of an image, as indices of the fleet's. The models have
// every package between them.
func (f *fleet) image(number int) []int {
	number %= f.models
	base := rand.New(rand.NewPCG(1, uint64(number/f.updates%fleetBases)))
	update := number % f.updates
	var chosen []int
	for _, name := range base.Perm(len(f.debs))[:imageDebs] {
		chosen = append(chosen, name*f.updates+update)
	}
	for n := range imageLibraries {
		at := (number*imageLibraries + n) * 7919 % (len(f.libraries) * f.releases)
		chosen = append(chosen, len(f.debs)*f.updates+at)
	}
	return chosen
}

// groupsOf are the groups of an image.
func (f *fleet) groupsOf(number int) []vuln.Group {
	var groups []vuln.Group
	for _, at := range f.image(number) {
		groups = append(groups, f.groups[at])
	}
	return groups
}

// sbomOf is the SBOM of an image.
func (f *fleet) sbomOf(b *testing.B, number int) []byte {
	var packages []pkg.Package
	for _, at := range f.image(number) {
		packages = append(packages, f.packages[at])
	}
	return inventory(b, bookworm(), packages)
}

// digestOf has the number of the copy first, 0 for a model.
func (f *fleet) digestOf(number int) image.Digest {
	return image.Digest(fmt.Sprintf("sha256:%02d%062x", number/f.models, number%f.models))
}

// save stores the images, each with a tag that points to it and is watched.
func (f *fleet) save(b *testing.B, database string, s *store.Store, matcher vuln.Matcher, now time.Time) {
	b.Helper()
	ctx := context.Background()
	var targets []image.Target
	var subscriptions []subscription.Subscription
	for number := range f.models {
		digest := f.digestOf(number)
		mustBench(b, s.SaveImage(ctx, &sbom.Inventory{Digest: digest, ImageID: digest.Hex()}, nil, analyzerOfTest, now))
		mustBench(b, s.SaveDistribution(ctx, digest, f.distribution))
		mustBench(b, s.SaveGroups(ctx, digest, matcher, f.groupsOf(number)))
		target, err := image.ParseTarget(fmt.Sprintf("registry.example/00-app-%05d:1", number))
		mustBench(b, err)
		targets = append(targets, target)
		subscriptions = append(subscriptions, subscription.Subscription{Target: target, Type: notification.VulnUpdate, Active: true, Created: now, Updated: now})
	}
	for part := range slices.Chunk(subscriptions, 1000) {
		mustBench(b, s.Subscribe(ctx, part, 0, now))
	}
	for number, target := range targets {
		mustBench(b, s.Record(ctx, target, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1, Analyzed: f.digestOf(number)}}, nil
		}))
	}
	copyFleet(b, database, f.images/f.models)
}

// data says something about most distribution packages of the fleet and a third
// of its libraries. Of some packages much is said that was fixed long ago, and of
// distribution packages other distributions say something too.
func (f *fleet) data() []labfeed.Vulnerability {
	severities := []string{"Low", "Medium", "High", "Critical"}
	about := func(name string) string {
		return strings.Repeat("A flaw of "+name+" lets people do what they should not, when they send something unusual. ", 3)
	}
	var data []labfeed.Vulnerability
	described := map[string]bool{}
	for n, deb := range f.debs {
		flaws := n % 4
		if n%40 == 0 {
			flaws = 60
		}
		for flaw := range flaws {
			id := fmt.Sprintf("CVE-2025-%d", 10000+100*n+flaw)
			severity := severities[(n+flaw)%len(severities)]
			record := labfeed.Vulnerability{Provider: labfeed.Debian, ID: id, Package: deb.source, Severity: severity, EPSS: 0.01}
			switch {
			case flaw >= 4:
				record.Fixed = "0:0.1-1"
			case !described[deb.source] && flaw < 2:
				record.Fixed = deb.sourceVersion
			}
			nvd := labfeed.Vulnerability{Provider: labfeed.NVD, ID: id, Severity: "High", Description: about(deb.source), CWEs: []string{"CWE-79"}}
			if flaw%2 == 1 {
				nvd.Package, nvd.Affected = "example:"+deb.source, "<1.0"
			}
			data = append(data, record, nvd)
			for _, other := range []labfeed.Provider{labfeed.Ubuntu, labfeed.RedHat, labfeed.SLES, labfeed.Alpine}[:flaw%5%4] {
				data = append(data, labfeed.Vulnerability{Provider: other, ID: id, Package: deb.source, Severity: severity, Fixed: "1.0", Description: about(deb.source)})
			}
		}
		described[deb.source] = true
	}
	for n, library := range f.libraries {
		if n%3 != 0 {
			continue
		}
		fixed := strings.TrimPrefix(library.version, "v")
		advisory := labfeed.Vulnerability{Provider: labfeed.GitHub, ID: fmt.Sprintf("GHSA-aaaa-bbbb-%04d", n), Package: library.name, Ecosystem: library.kind,
			Affected: "<" + fixed, Fixed: fixed, Severity: severities[n%len(severities)], Aliases: []string{fmt.Sprintf("CVE-2024-%d", 10000+n)}, Description: about(library.name)}
		data = append(data, advisory)
		for old := range 20 {
			if n%30 == 0 {
				advisory.ID, advisory.Aliases = fmt.Sprintf("GHSA-%04d-cccc-%04d", old, n), nil
				advisory.Affected, advisory.Fixed = "<0.0.1", "0.0.1"
				data = append(data, advisory)
			}
		}
	}
	return data
}

// anotherDay changes a few records: severities, fixes, and some are new.
func anotherDay(data []labfeed.Vulnerability) []labfeed.Vulnerability {
	data = slices.Clone(data)
	for n := range fleetNews {
		record := &data[n*len(data)/fleetNews]
		switch n % 3 {
		case 0:
			record.Severity = "Negligible"
		case 1:
			record.Description, record.Fixed = "another fix", record.Fixed+"1"
		default:
			added := *record
			added.ID = fmt.Sprintf("CVE-2026-%d", 10000+n)
			data = append(data, added)
		}
	}
	return data
}

func mustBench(b testing.TB, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
