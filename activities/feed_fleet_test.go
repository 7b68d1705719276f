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
// is made up.
const (
	fleetImages    = 10_000
	fleetBases     = 40
	fleetUpdates   = 6  // states of a distribution package
	fleetReleases  = 10 // of a library
	imageDebs      = 140
	imageLibraries = 100
	fleetNews      = 30 // records that an ordinary day changes
	analyzerOfTest = "syft of the benchmark"
)

// fleetFiller makes the database as large as the published ones.
var fleetFiller = labfeed.Filler{Records: 200_000, Scores: 80_000}

// listed is a package of a real list.
type listed struct {
	kind                  string // of the list
	name, version         string
	source, sourceVersion string // of a distribution package
}

// fleet is the distinct packages that images can have: of each distribution
// package its states, then of each library its releases.
type fleet struct {
	debs, libraries []listed
	packages        []pkg.Package
	groups          []vuln.Group // one for each package
}

func newFleet(b *testing.B) *fleet {
	b.Helper()
	f := &fleet{debs: readList(b, "debian"), libraries: slices.Concat(readList(b, "npm"), readList(b, "python"), readList(b, "go"))}
	for _, deb := range f.debs {
		for state := range fleetUpdates {
			f.packages = append(f.packages, deb.state(state, fleetUpdates))
		}
	}
	for _, library := range f.libraries {
		for release := range fleetReleases {
			f.packages = append(f.packages, library.state(release, fleetReleases))
		}
	}
	groups, _, err := realmatcher.Groups(inventory(b, bookworm(), f.packages))
	mustBench(b, err)
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

// image is the packages of an image, as indices of the fleet's.
func (f *fleet) image(number int) []int {
	base := rand.New(rand.NewPCG(1, uint64(number%fleetBases)))
	app := rand.New(rand.NewPCG(2, uint64(number)))
	update := number / fleetBases % fleetUpdates
	var chosen []int
	for _, name := range base.Perm(len(f.debs))[:imageDebs] {
		chosen = append(chosen, name*fleetUpdates+update)
	}
	for _, name := range app.Perm(len(f.libraries))[:imageLibraries] {
		chosen = append(chosen, len(f.debs)*fleetUpdates+name*fleetReleases+app.IntN(fleetReleases))
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

func digestOf(number int) image.Digest { return image.Digest(fmt.Sprintf("sha256:%064x", number)) }

// save stores the images, each with a tag that points to it and is watched.
func (f *fleet) save(b *testing.B, s *store.Store, matcher vuln.Matcher, now time.Time) {
	b.Helper()
	ctx := context.Background()
	var subscriptions []subscription.Subscription
	for number := range fleetImages {
		digest := digestOf(number)
		mustBench(b, s.SaveImage(ctx, &sbom.Inventory{Digest: digest, ImageID: digest.Hex()}, nil, analyzerOfTest, now))
		mustBench(b, s.SaveGroups(ctx, digest, matcher, f.groupsOf(number)))
		target, err := image.ParseTarget(fmt.Sprintf("registry.example/app-%05d:1", number))
		mustBench(b, err)
		subscriptions = append(subscriptions, subscription.Subscription{Target: target, Type: notification.VulnUpdate, Active: true, Created: now, Updated: now})
	}
	for part := range slices.Chunk(subscriptions, 1000) {
		mustBench(b, s.Subscribe(ctx, part, 0, now))
	}
	for number, subscription := range subscriptions {
		mustBench(b, s.Record(ctx, subscription.Target, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1, Analyzed: digestOf(number)}}, nil
		}))
	}
}

// data says something about most distribution packages of the fleet and a third
// of its libraries.
func (f *fleet) data() []labfeed.Vulnerability {
	severities := []string{"Low", "Medium", "High", "Critical"}
	var data []labfeed.Vulnerability
	notified := map[string]bool{}
	for n, deb := range f.debs {
		for flaw := range n % 4 {
			id := fmt.Sprintf("CVE-2025-%d", 10000+10*n+flaw)
			record := labfeed.Vulnerability{Provider: labfeed.Debian, ID: id, Package: deb.source, Severity: severities[(n+flaw)%len(severities)], EPSS: 0.01}
			if !notified[deb.source] && flaw < 2 {
				record.Fixed = deb.sourceVersion
			}
			data = append(data, record, labfeed.Vulnerability{Provider: labfeed.NVD, ID: id, Severity: "High", Description: "of " + deb.source})
		}
		notified[deb.source] = true
	}
	for n, library := range f.libraries {
		if n%3 == 0 {
			fixed := strings.TrimPrefix(library.version, "v")
			data = append(data, labfeed.Vulnerability{Provider: labfeed.GitHub, ID: fmt.Sprintf("GHSA-aaaa-bbbb-%04d", n), Package: library.name, Ecosystem: library.kind,
				Affected: "<" + fixed, Fixed: fixed, Severity: severities[n%len(severities)], Aliases: []string{fmt.Sprintf("CVE-2024-%d", 10000+n)}})
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
