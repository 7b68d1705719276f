package matcher

import (
	"testing"

	"github.com/anchore/grype/grype/distro"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cpe"
	syft "github.com/anchore/syft/syft/pkg"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestDocumentKeepsWhatMatchingChecks encodes and decodes packages of all kinds.
func TestDocumentKeepsWhatMatchingChecks(t *testing.T) {
	t.Parallel()
	epoch, module := 2, "nodejs:18"
	release := distro.New(distro.RedHat, "9.4+eus", "plow", "fedora")
	odd := cpe.CPE{Attributes: cpe.Attributes{Part: "a", Vendor: `net\:\:imap`, Product: "net::imap", Version: "1.0", TargetSW: "ruby", Language: "en"}}
	cases := []struct {
		name string
		give pkg.Package
		want func(*pkg.Package) // what is left out on purpose
	}{
		{"RPM", pkg.Package{Name: "nodejs", Version: "18", Type: syft.RpmPkg, Distro: release,
			Upstreams: []pkg.UpstreamPackage{{Name: "nodejs-src", Version: "18"}},
			Metadata:  pkg.RpmMetadata{Epoch: &epoch, ModularityLabel: &module, Arch: "x86_64"}}, nil},
		{"CPEs", pkg.Package{Name: "net-imap", Version: "1", Type: syft.BinaryPkg, CPEs: []cpe.CPE{odd}}, nil},
		{"CPEs of a type that is not looked up by them", pkg.Package{Name: "net-imap", Version: "1", Type: syft.GemPkg, CPEs: []cpe.CPE{odd}},
			func(p *pkg.Package) { p.CPEs = nil }},
		{"Go symbols", pkg.Package{Name: "golang.org/x/net", Version: "v1", Type: syft.GoModulePkg, Language: syft.Go,
			Metadata: pkg.GolangBinMetadata{MainModule: "m", GoCompiledVersion: "go1.22", Symbols: map[string][]string{"a": {"Y", "X"}, "b": {}}}},
			func(p *pkg.Package) {
				p.Metadata = pkg.GolangBinMetadata{MainModule: "m", Symbols: map[string][]string{"a": {"X", "Y"}, "b": {}}}
			}},
		{"Java", pkg.Package{Name: "core", Version: "1", Type: syft.JavaPkg, PURL: "pkg:maven/g/core@1",
			Metadata: pkg.JavaMetadata{VirtualPath: "/a.jar", PomGroupID: "g", PomArtifactID: "core", ManifestName: "n"}},
			func(p *pkg.Package) {
				p.Metadata = pkg.JavaMetadata{PomGroupID: "g", PomArtifactID: "core", ManifestName: "n"}
			}},
		{"JVM", pkg.Package{Name: "jdk", Version: "17", Type: syft.BinaryPkg,
			Metadata: pkg.JavaVMInstallationMetadata{Release: pkg.JavaVMReleaseMetadata{FullVersion: "17.0.1"}}}, nil},
		{"Alpine", pkg.Package{Name: "busybox", Version: "1", Type: syft.ApkPkg,
			Metadata: pkg.ApkMetadata{Arch: "x86_64", Files: []pkg.ApkFileRecord{{Path: "/bin/sh"}}}},
			func(p *pkg.Package) { p.Metadata = pkg.ApkMetadata{Arch: "x86_64"} }},
		{"metadata that is never read", pkg.Package{Name: "m", Version: "1", Type: syft.GoModulePkg, Metadata: pkg.GolangModMetadata{H1Digest: "h1:x"}},
			func(p *pkg.Package) { p.Metadata = unread{} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := c.give
			want.ID = "0"
			if c.want != nil {
				c.want(&want)
			}
			m, err := newMember(c.give)
			if err != nil {
				t.Fatal(err)
			}
			document, err := encode([]member{m})
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(document)
			if err != nil {
				t.Fatal(err)
			}
			// Unexported fields of a distribution come from its version: compared by text.
			same := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pkg.Package{}, "Locations"),
				cmp.Comparer(func(a, b *distro.Distro) bool {
					return a == b || a != nil && b != nil && a.String() == b.String() && a.Codename == b.Codename &&
						a.MajorVersion() == b.MajorVersion() && a.MinorVersion() == b.MinorVersion() && cmp.Equal(a.IDLike, b.IDLike)
				})}
			if diff := cmp.Diff(want, got[0], same); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentKeepsOwners(t *testing.T) {
	t.Parallel()
	document, err := encode([]member{{Name: "owner"}, {Name: "owned", Owners: []int{0}}})
	if err != nil {
		t.Fatal(err)
	}
	packages, err := decode(document)
	if err != nil {
		t.Fatal(err)
	}
	owners := packages[1].RelatedPackages[artifact.OwnershipByFileOverlapRelationship]
	if len(owners) != 1 || owners[0] != &packages[0] {
		t.Errorf("owners %v, want the first package", owners)
	}
}

func TestUnknownMetadataIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := newMember(pkg.Package{Name: "p", Metadata: 7}); err == nil {
		t.Error("metadata of a kind that nobody knows are dropped silently")
	}
}
