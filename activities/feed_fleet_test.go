package activities_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/anchore/syft/syft/format/syftjson"
	"github.com/anchore/syft/syft/linux"
	"github.com/anchore/syft/syft/pkg"
	syft "github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source"

	realmatcher "github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// A fleet like a company's: images on a few bases of one distribution, each
// base in several states of update, with an application on top.
const (
	fleetImages    = 10_000
	fleetBases     = 40
	fleetDebs      = 1500 // names of distribution packages
	fleetUpdates   = 6    // versions of each
	fleetModules   = 1000 // names of node modules
	fleetReleases  = 4    // versions of each
	imageDebs      = 140
	imageModules   = 100
	fleetFiller    = 12_000 // records about packages that no image has
	fleetNews      = 30     // records that an ordinary day changes
	analyzerOfTest = "syft of the benchmark"
)

// fleet is the distinct packages that images can have.
type fleet struct {
	packages []pkg.Package
	groups   []vuln.Group // one for each package
}

func newFleet(b *testing.B) *fleet {
	b.Helper()
	f := &fleet{}
	for name := range fleetDebs {
		for version := range fleetUpdates {
			f.packages = append(f.packages, debOf(name, version))
		}
	}
	for name := range fleetModules {
		for version := range fleetReleases {
			f.packages = append(f.packages, moduleOf(name, version))
		}
	}
	groups, err := realmatcher.Groups(document(b, f.packages))
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

func debOf(name, version int) pkg.Package {
	p := pkg.Package{Name: fmt.Sprintf("lib%d", name), Version: fmt.Sprintf("1.0-%d", version+1), Type: pkg.DebPkg,
		Metadata: pkg.DpkgDBEntry{Package: fmt.Sprintf("lib%d", name), Source: fmt.Sprintf("source%d", name), Version: fmt.Sprintf("1.0-%d", version+1)}}
	p.SetID()
	return p
}

func moduleOf(name, version int) pkg.Package {
	p := pkg.Package{Name: fmt.Sprintf("module%d", name), Version: fmt.Sprintf("1.%d.0", version), Type: pkg.NpmPkg, Language: pkg.JavaScript,
		PURL: fmt.Sprintf("pkg:npm/module%d@1.%d.0", name, version)}
	p.SetID()
	return p
}

// document writes an SBOM in syft's JSON.
func document(b *testing.B, packages []pkg.Package) []byte {
	b.Helper()
	inventory := syft.SBOM{
		Artifacts: syft.Artifacts{Packages: pkg.NewCollection(packages...), LinuxDistribution: &linux.Release{ID: "debian",
			Name: "Debian GNU/Linux", VersionID: "12", Version: "12 (bookworm)", VersionCodename: "bookworm"}},
		Source:     source.Description{ID: "fleet", Name: "fleet", Metadata: source.ImageMetadata{UserInput: "fleet"}},
		Descriptor: syft.Descriptor{Name: "syft", Version: "1"},
	}
	var out bytes.Buffer
	mustBench(b, syftjson.NewFormatEncoder().Encode(&out, inventory))
	return out.Bytes()
}

// image is the packages of an image, as indices of the fleet's.
func (f *fleet) image(number int) []int {
	base := rand.New(rand.NewPCG(1, uint64(number%fleetBases)))
	app := rand.New(rand.NewPCG(2, uint64(number)))
	update := number / fleetBases % fleetUpdates
	var chosen []int
	for _, name := range base.Perm(fleetDebs)[:imageDebs] {
		chosen = append(chosen, name*fleetUpdates+update)
	}
	for _, name := range app.Perm(fleetModules)[:imageModules] {
		chosen = append(chosen, fleetDebs*fleetUpdates+name*fleetReleases+app.IntN(fleetReleases))
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
	return document(b, packages)
}

// save stores the images, each with a tag that points to it and is watched.
func (f *fleet) save(b *testing.B, s *store.Store, engine vuln.Engine, now time.Time) {
	b.Helper()
	ctx := context.Background()
	var subscriptions []event.Subscription
	for number := range fleetImages {
		digest := image.Digest(fmt.Sprintf("sha256:%064x", number))
		mustBench(b, s.SaveImage(ctx, &sbom.Inventory{Digest: digest, ImageID: digest.Hex()}, nil, analyzerOfTest, now))
		mustBench(b, s.SaveGroups(ctx, digest, engine, f.groupsOf(number)))
		target, err := image.ParseTarget(fmt.Sprintf("registry.example/app-%05d:1", number))
		mustBench(b, err)
		subscriptions = append(subscriptions, event.Subscription{Target: target, Type: event.VulnUpdate, Active: true, Created: now, Updated: now})
	}
	for part := range slices.Chunk(subscriptions, 1000) {
		mustBench(b, s.Subscribe(ctx, part, 0, now))
	}
	for number, subscription := range subscriptions {
		mustBench(b, s.Record(ctx, subscription.Target, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1, Analyzed: image.Digest(fmt.Sprintf("sha256:%064x", number))}}, nil
		}))
	}
}

// fleetData says something about each third package of the fleet, and about
// many that no image has.
func fleetData() []labfeed.Vulnerability {
	severities := []string{"Low", "Medium", "High", "Critical"}
	var data []labfeed.Vulnerability
	for n := range fleetDebs * 2 {
		data = append(data, labfeed.Vulnerability{Provider: labfeed.Debian, ID: fmt.Sprintf("CVE-2025-%d", 10000+n), Package: fmt.Sprintf("source%d", n/2*3%fleetDebs),
			Fixed: fmt.Sprintf("1.0-%d", n%fleetUpdates+2), Severity: severities[n%len(severities)]})
	}
	for n := range fleetModules {
		data = append(data, labfeed.Vulnerability{Provider: labfeed.GitHub, ID: fmt.Sprintf("GHSA-aaaa-bbbb-%04d", n), Package: fmt.Sprintf("module%d", n/2*3%fleetModules), Ecosystem: "npm",
			Affected: "<1.2.0", Fixed: "1.2.0", Severity: severities[n%len(severities)], Aliases: []string{fmt.Sprintf("CVE-2024-%d", 10000+n)}})
	}
	for n := range fleetFiller {
		data = append(data, labfeed.Vulnerability{Provider: labfeed.Debian, ID: fmt.Sprintf("CVE-2023-%d", 10000+n), Package: fmt.Sprintf("elsewhere%d", n), Severity: "Low"})
	}
	return data
}

// anotherDay changes a few records: severities, fixes, and some are new.
func anotherDay(data []labfeed.Vulnerability) []labfeed.Vulnerability {
	data = slices.Clone(data)
	for n := range fleetNews {
		record := &data[n*97]
		switch n % 3 {
		case 0:
			record.Severity = "Negligible"
		case 1:
			record.Fixed = "1.0-9"
		default:
			added := *record
			added.ID = fmt.Sprintf("CVE-2026-%d", 10000+n)
			data = append(data, added)
		}
	}
	return data
}

func mustBench(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
