package activities_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cpe"
	"github.com/anchore/syft/syft/format/syftjson"
	"github.com/anchore/syft/syft/linux"
	"github.com/anchore/syft/syft/pkg"
	syft "github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source"
	"github.com/google/go-cmp/cmp"

	realmatcher "github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// TestStoredListsEqualFullAndCommand edits the data at random, each kind of edit
// in each run, and moves the store along. After each move every image's list is
// that of a full match and that of grype's command line.
func TestStoredListsEqualFullAndCommand(t *testing.T) {
	t.Parallel()
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 11))
			world := newProperty(t)
			data, built := firstKnowledge(), time.Now().Add(-24*time.Hour)
			world.moveTo(data, built)
			world.compare("at first")
			order := random.Perm(len(feedEdits))
			for pair := range slices.Chunk(order, 2) {
				var names []string
				for _, at := range pair {
					data = data.edited(feedEdits[at], random)
					names = append(names, feedEdits[at].name)
				}
				built = built.Add(time.Minute)
				world.moveTo(data, built)
				world.compare(strings.Join(names, ", "))
			}
			if world.changes < 5 {
				t.Errorf("only %d lists changed: the test says nothing", world.changes)
			}
		})
	}
}

// property is the steps on a real store, matcher, disk and publisher.
type property struct {
	*rig
	publisher *labfeed.Feed
	matcher   *realmatcher.Matcher
	directory func(checksum string) (string, error)
	documents map[image.Digest][]byte
	lists     map[image.Digest][]string
	changes   int
}

func newProperty(t *testing.T) *property {
	t.Helper()
	return newPropertyOn(t, nil)
}

// newPropertyOn is newProperty on a database; nil for a new one.
func newPropertyOn(t *testing.T, on *store.Store) *property {
	t.Helper()
	r := newRig(t)
	if on != nil {
		r.store, r.steps.Store = on, on
	}
	p := &property{rig: r, publisher: r.publisher(), documents: map[image.Digest][]byte{}, lists: map[image.Digest][]string{}}
	disk := r.disk(p.publisher)
	p.directory, p.matcher = disk.Path, realmatcher.New(disk.Path)
	t.Cleanup(func() { r.must(p.matcher.Close()) })
	r.steps.Matcher = p.matcher
	for n, inventory := range [][]byte{debianInventory(t), alpineInventory(t), nodeInventory(t)} {
		digest := image.Digest(fmt.Sprintf("sha256:%064x", n+1))
		p.documents[digest] = inventory
		r.must(r.store.SaveImage(t.Context(), &sbom.Inventory{Digest: digest, ImageID: digest.Hex()}, inventory, "syft of the test", r.clock.Now()))
		do[any](r, r.steps.Match, digest)
	}
	return p
}

// moveTo publishes data and has the store follow.
func (p *property) moveTo(data knowledge, built time.Time) {
	p.Helper()
	database, err := labfeed.BuildAt(p.TempDir(), built, data...)
	p.must(err)
	p.must(p.publisher.Publish(database))
	if fetched := p.sync(databuild.SyncRequest{}); len(fetched.Held) > 0 {
		p.Fatalf("held: %v", fetched.Held)
	}
}

func (p *property) compare(after string) {
	p.Helper()
	state, err := p.store.Feed(p.Context())
	p.must(err)
	for digest, document := range p.documents {
		stored, err := p.store.Matches(p.Context(), digest)
		p.must(err)
		var ours []string
		for _, m := range stored {
			ours = append(ours, line(m.Artifact, m.Finding))
		}
		if ours = sortedSet(ours); !slices.Equal(ours, p.lists[digest]) {
			p.lists[digest], p.changes = ours, p.changes+1
		}
		groups, _, err := realmatcher.Groups(document)
		p.must(err)
		found, err := p.matcher.Match(p.Context(), state.Current.Checksum, groups)
		p.must(err)
		var full []string
		for i, group := range groups {
			for _, f := range found[i] {
				for _, artifact := range group.Artifacts[f.Member] {
					full = append(full, line(artifact, f.Finding))
				}
			}
		}
		dir, err := p.directory(state.Current.Checksum)
		p.must(err)
		if diff := cmp.Diff(sortedSet(full), ours); diff != "" {
			p.Errorf("after %s: %s differs from a full match (-full +stored):\n%s", after, digest.Short(), diff)
		}
		if diff := cmp.Diff(sortedSet(runGrype(p.T, filepath.Dir(dir), document)), ours); diff != "" {
			p.Errorf("after %s: %s differs from the command line (-command +stored):\n%s", after, digest.Short(), diff)
		}
	}
}

// line is what both the command line and we say of a finding.
func line(artifact string, f vuln.Finding) string {
	var related []string
	for _, r := range f.Related {
		related = append(related, r.ID+"/"+string(r.Severity))
	}
	return fmt.Sprint(artifact, " ", f.ID, " ", f.Namespace, " ", f.Severity, " ", f.Fix.State, " ", sortedSet(f.Fix.Versions), " ",
		sortedSet(f.CWEs), " ", f.KnownExploited, " ", sortedSet(related), " ", f.Description)
}

func sortedSet(lines []string) []string { return slices.Compact(slices.Sorted(slices.Values(lines))) }

// grypeOfTests is grype's command line, built from the module versions that the
// worker links.
var grypeOfTests = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "tagwatch-test", "grype-activities")
	output, err := exec.Command("go", "build", "-o", path, "github.com/anchore/grype/cmd/grype").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build grype: %w: %s", err, output)
	}
	return path, nil
})

// runGrype matches an SBOM with a database by grype's command line.
func runGrype(t testing.TB, directory string, document []byte) []string {
	t.Helper()
	lines, _ := measureGrype(t, directory, document)
	return lines
}

// measureGrype also reports how much CPU time it took.
func measureGrype(t testing.TB, directory string, document []byte) (lines []string, cpu time.Duration) {
	t.Helper()
	grype, err := grypeOfTests()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sbom.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(grype, "sbom:"+file, "--output", "json", "--quiet")
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "GRYPE_DB_CACHE_DIR="+directory, "GRYPE_DB_AUTO_UPDATE=false",
		"GRYPE_DB_VALIDATE_AGE=false", "GRYPE_CHECK_FOR_APP_UPDATE=false")
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("grype: %v: %.500s", err, problems.String())
	}
	return grypeLines(t, out.Bytes()), command.ProcessState.UserTime() + command.ProcessState.SystemTime()
}

func grypeLines(t testing.TB, output []byte) (lines []string) {
	t.Helper()
	type record struct{ ID, Namespace, Severity, Description, CWE string }
	var report struct {
		Matches []struct {
			Vulnerability struct {
				record
				Fix struct {
					State    string
					Versions []string
				}
				KnownExploited, CWEs []record
			}
			RelatedVulnerabilities []record
			Artifact               struct{ ID string }
		}
	}
	if err := json.Unmarshal(output, &report); err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Matches {
		v := m.Vulnerability
		f := vuln.Finding{ID: v.ID, Namespace: v.Namespace, Severity: vuln.Severity(v.Severity), Description: v.Description,
			Fix: vuln.Fix{State: vuln.FixState(v.Fix.State), Versions: v.Fix.Versions}, KnownExploited: len(v.KnownExploited) > 0}
		if f.Fix.State == "" {
			f.Fix.State = vuln.FixUnknown
		}
		for _, c := range v.CWEs {
			f.CWEs = append(f.CWEs, c.CWE)
		}
		for _, r := range m.RelatedVulnerabilities {
			f.Related = append(f.Related, vuln.Related{ID: r.ID, Severity: vuln.Severity(r.Severity)})
		}
		lines = append(lines, line(m.Artifact.ID, f))
	}
	return lines
}

// inventory makes an SBOM; owned are pairs of owner and owned.
func inventory(t testing.TB, release *linux.Release, packages []pkg.Package, owned ...[2]int) []byte {
	t.Helper()
	for i := range packages {
		packages[i].SetID()
	}
	document := syft.SBOM{
		Artifacts:  syft.Artifacts{Packages: pkg.NewCollection(packages...), LinuxDistribution: release},
		Source:     source.Description{ID: "test", Name: "test", Metadata: source.ImageMetadata{UserInput: "test"}},
		Descriptor: syft.Descriptor{Name: "syft", Version: "1"},
	}
	for _, pair := range owned {
		document.Relationships = append(document.Relationships, artifact.Relationship{
			From: packages[pair[0]], To: packages[pair[1]], Type: artifact.OwnershipByFileOverlapRelationship})
	}
	var out bytes.Buffer
	if err := syftjson.NewFormatEncoder().Encode(&out, document); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func bookworm() *linux.Release {
	return &linux.Release{ID: "debian", Name: "Debian GNU/Linux", VersionID: "12", Version: "12 (bookworm)", VersionCodename: "bookworm"}
}

func debPackage(name, version, origin string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.DebPkg, PURL: "pkg:deb/debian/" + name + "@" + version,
		Metadata: pkg.DpkgDBEntry{Package: name, Source: origin, Version: version}}
}

func pythonPackage(name, version string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.PythonPkg, Language: pkg.Python, PURL: "pkg:pypi/" + name + "@" + version,
		Metadata: pkg.PythonPackage{Name: name, Version: version}}
}

func npmPackage(name, version string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.NpmPkg, Language: pkg.JavaScript, PURL: "pkg:npm/" + name + "@" + version}
}

func productOf(name, version string) []cpe.CPE {
	return []cpe.CPE{{Attributes: cpe.Attributes{Part: "a", Vendor: name, Product: name, Version: version}, Source: cpe.GeneratedSource}}
}

// debianInventory has packages of one source, one that a package owns, and one
// that is found by its CPE.
func debianInventory(t *testing.T) []byte {
	redis := pkg.Package{Name: "redis", Version: "7.0.1", Type: pkg.BinaryPkg, PURL: "pkg:generic/redis@7.0.1",
		CPEs: productOf("redis", "7.0.1"), Metadata: pkg.BinarySignature{}}
	return inventory(t, bookworm(), []pkg.Package{
		debPackage("libssl3", "3.0.9-1", "openssl"), debPackage("openssl", "3.0.9-1", ""), debPackage("zlib1g", "1:1.2.13.dfsg-1", "zlib"),
		debPackage("python3-django", "3:3.2.19-1+deb12u1", "python-django"), pythonPackage("django", "4.0.0"), redis,
	}, [2]int{3, 4})
}

// alpineInventory has an owner whose record, which says that the flaw is fixed,
// decides about what it owns.
func alpineInventory(t *testing.T) []byte {
	apk := func(name, version, origin string) pkg.Package {
		return pkg.Package{Name: name, Version: version, Type: pkg.ApkPkg, PURL: "pkg:apk/alpine/" + name + "@" + version,
			CPEs: productOf(name, version), Metadata: pkg.ApkDBEntry{Package: name, Version: version, OriginPackage: origin}}
	}
	return inventory(t, &linux.Release{ID: "alpine", Name: "Alpine Linux", VersionID: "3.20.1"}, []pkg.Package{
		apk("libssl3", "3.3.0-r0", "openssl"), apk("busybox", "1.36.1-r0", "busybox"),
		apk("py3-requests", "2.31.0-r0", "py3-requests"), pythonPackage("requests", "2.31.0"),
	}, [2]int{2, 3})
}

func nodeInventory(t *testing.T) []byte {
	return inventory(t, bookworm(), []pkg.Package{npmPackage("lodash", "4.17.20"), npmPackage("lodash", "4.17.21"),
		pythonPackage("django", "4.0.0"), pythonPackage("requests", "2.31.0"), debPackage("zlib1g", "1:1.2.13.dfsg-1", "zlib")})
}
