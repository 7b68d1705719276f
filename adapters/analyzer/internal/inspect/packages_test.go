package inspect

import (
	"slices"
	"testing"

	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
)

func TestLocationOf(t *testing.T) {
	t.Parallel()
	at := func(path string) file.LocationSet {
		return file.NewLocationSet(file.NewLocation("/a/lock"), file.NewLocation(path).WithAnnotation(pkg.EvidenceAnnotationKey, pkg.PrimaryEvidenceAnnotation))
	}
	for _, test := range []struct {
		name  string
		found pkg.Package
		want  string
	}{
		{"rpm", pkg.Package{Type: pkg.RpmPkg, Locations: at("/var/lib/rpm/rpmdb.sqlite")}, "pkgdb"},
		{"npm", pkg.Package{Type: pkg.NpmPkg, Locations: at("/app/package.json")}, "/app/package.json"},
		{"go", pkg.Package{Type: pkg.GoModulePkg, Locations: at("/bin/app")}, "/bin/app"},
		{"shaded jar", pkg.Package{Type: pkg.JavaPkg, Locations: at("/app.jar"), Metadata: pkg.JavaArchive{VirtualPath: "/app.jar:guava"}}, "/app.jar:guava"},
		{"jar without a path", pkg.Package{Type: pkg.JavaPkg, Locations: at("/app.jar"), Metadata: pkg.JavaArchive{}}, "/app.jar"},
		{"python module", pkg.Package{Name: "PyYAML", Metadata: pkg.PythonPackage{SitePackagesRootPath: "/lib/site-packages", TopLevelPackages: []string{"yaml", "_yaml"}}}, "/lib/site-packages/yaml"},
		{"python distribution", pkg.Package{Name: "six", Metadata: pkg.PythonPackage{SitePackagesRootPath: "/lib/site-packages"}}, "/lib/site-packages/six"},
		{"python without a folder", pkg.Package{Locations: at("/x/PKG-INFO"), Metadata: pkg.PythonPackage{}}, "/x/PKG-INFO"},
		{"nowhere", pkg.Package{Type: pkg.NpmPkg}, ""},
	} {
		if got := locationOf(test.found); got != test.want {
			t.Errorf("%s: location = %q, want %q", test.name, got, test.want)
		}
	}
}

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		found pkg.Package
		want  string
	}{
		{pkg.Package{Name: "libssl3", Metadata: pkg.DpkgDBEntry{Source: "openssl"}}, "openssl"},
		{pkg.Package{Name: "bash", Metadata: pkg.DpkgDBEntry{}}, ""},
		{pkg.Package{Name: "libcrypto3", Metadata: pkg.ApkDBEntry{OriginPackage: "openssl"}}, "openssl"},
		{pkg.Package{Name: "musl", Metadata: pkg.ApkDBEntry{OriginPackage: "musl"}}, ""},
		{pkg.Package{Name: "glibc-common", Metadata: pkg.RpmDBEntry{SourceRpm: "glibc-2.34-60.el9.src.rpm"}}, "glibc"},
		{pkg.Package{Name: "python3-pip", Metadata: pkg.RpmDBEntry{SourceRpm: "python-pip-21.2.3-6.el9.src.rpm"}}, "python-pip"},
		{pkg.Package{Name: "gpg-pubkey", Metadata: pkg.RpmDBEntry{SourceRpm: "(none)"}}, ""},
		{pkg.Package{Name: "lodash"}, ""},
	} {
		if got := sourceOf(test.found); got != test.want {
			t.Errorf("source of %s = %q, want %q", test.found.Name, got, test.want)
		}
	}
}

func TestManifestOfRPM(t *testing.T) {
	t.Parallel()
	entries := manifestOf(pkg.Package{Metadata: pkg.RpmDBEntry{Files: []pkg.RpmFileRecord{
		{Path: "/etc/issue", Mode: 0o100644, Size: 23, Flags: "cn", Digest: file.Digest{Algorithm: "sha256", Value: "AB"}},
		{Path: "/etc", Mode: 0o40755},
		{Path: "/odd", Digest: file.Digest{Algorithm: "sha512", Value: "ab"}},
	}}})
	if got := entries[0]; got.Mode != "100644" || got.Size != 23 || !got.Config || got.Algorithm != "sha256" || got.Digest != "ab" {
		t.Errorf("file = %+v", got)
	}
	for _, got := range entries[1:] {
		if got.Algorithm != "" || got.Digest != "" || got.Config {
			t.Errorf("entry = %+v, want no digest", got)
		}
	}
}

func TestOwnedBySystem(t *testing.T) {
	t.Parallel()
	identified := func(name string, kind pkg.Type) pkg.Package {
		p := pkg.Package{Name: name, Type: kind}
		p.SetID()
		return p
	}
	deb, python, npm := identified("python3-six", pkg.DebPkg), identified("six", pkg.PythonPkg), identified("x", pkg.NpmPkg)
	owned := ownedBySystem([]artifact.Relationship{
		{From: deb, To: python, Type: artifact.OwnershipByFileOverlapRelationship},
		{From: python, To: npm, Type: artifact.OwnershipByFileOverlapRelationship},
		{From: deb, To: npm, Type: artifact.DependencyOfRelationship},
	})
	if len(owned) != 1 || !owned[python.ID()] {
		t.Errorf("owned = %v, want the Python package alone", owned)
	}
}

// The digest of an unknown text is no license.
func TestLicensesOf(t *testing.T) {
	t.Parallel()
	found := pkg.Package{Licenses: pkg.NewLicenseSet(
		pkg.License{Value: "MIT", SPDXExpression: "MIT"},
		pkg.License{Value: "sha256:0dd3a9f5a1ee4d4d2b4f5c2e0e6a2a9f"},
		pkg.License{Value: "Custom"},
	)}
	if got := licensesOf(found); len(got) != 2 || slices.Contains(got, "") || !slices.Contains(got, "MIT") || !slices.Contains(got, "Custom") {
		t.Errorf("licenses = %q, want MIT and Custom", got)
	}
}
