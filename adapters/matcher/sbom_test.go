package matcher_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cpe"
	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/format/syftjson"
	"github.com/anchore/syft/syft/linux"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source"
)

// inventory makes SBOMs in syft's JSON.
type inventory struct {
	release  *linux.Release
	packages []pkg.Package
	owned    [][2]int // owner, owned
}

func (i *inventory) add(p pkg.Package) int {
	p.SetID()
	i.packages = append(i.packages, p)
	return len(i.packages) - 1
}

func (i *inventory) own(owner, owned int) { i.owned = append(i.owned, [2]int{owner, owned}) }

func (i *inventory) json(t *testing.T) []byte {
	t.Helper()
	document := sbom.SBOM{
		Artifacts: sbom.Artifacts{Packages: pkg.NewCollection(i.packages...), LinuxDistribution: i.release},
		Source: source.Description{ID: "test", Name: "test", Metadata: source.ImageMetadata{
			UserInput: "test", ID: "sha256:" + strings.Repeat("0", 64)}},
		Descriptor: sbom.Descriptor{Name: "test", Version: "1"},
	}
	for _, pair := range i.owned {
		document.Relationships = append(document.Relationships, artifact.Relationship{
			From: i.packages[pair[0]], To: i.packages[pair[1]], Type: artifact.OwnershipByFileOverlapRelationship})
	}
	var out bytes.Buffer
	if err := syftjson.NewFormatEncoder().Encode(&out, document); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Debian's data list what is not fixed, so that grype leaves out what its packages
// own in the same version; Amazon's and Alpine's do not.
func debian() *linux.Release {
	return &linux.Release{ID: "debian", Name: "Debian GNU/Linux", VersionID: "12", Version: "12 (bookworm)", VersionCodename: "bookworm"}
}

func amazon() *linux.Release {
	return &linux.Release{ID: "amzn", Name: "Amazon Linux", VersionID: "2023", Version: "2023", IDLike: []string{"fedora"}}
}

func alpine() *linux.Release {
	return &linux.Release{ID: "alpine", Name: "Alpine Linux", VersionID: "3.20.1"}
}

func at(path string) file.LocationSet { return file.NewLocationSet(file.NewLocation(path)) }

func deb(name, version, origin string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.DebPkg, Locations: at("/var/lib/dpkg/status"),
		PURL:     fmt.Sprintf("pkg:deb/debian/%s@%s?arch=amd64&distro=debian-12", name, version),
		CPEs:     cpesOf(name, version),
		Metadata: pkg.DpkgDBEntry{Package: name, Version: version, Source: origin, Architecture: "amd64"}}
}

func rpm(name, version, origin string) pkg.Package {
	module := ""
	return pkg.Package{Name: name, Version: version, Type: pkg.RpmPkg, Locations: at("/var/lib/rpm/rpmdb.sqlite"),
		PURL:     fmt.Sprintf("pkg:rpm/amzn/%s@%s?arch=x86_64&distro=amzn-2023", name, version),
		Metadata: pkg.RpmDBEntry{Name: name, Version: version, SourceRpm: origin, Arch: "x86_64", ModularityLabel: &module}}
}

func apk(name, version, origin string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.ApkPkg, Locations: at("/lib/apk/db/installed"),
		PURL:     fmt.Sprintf("pkg:apk/alpine/%s@%s?arch=x86_64", name, version),
		CPEs:     cpesOf(name, version),
		Metadata: pkg.ApkDBEntry{Package: name, Version: version, OriginPackage: origin, Architecture: "x86_64"}}
}

func npm(name, version, path string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.NpmPkg, Language: pkg.JavaScript, Locations: at(path),
		PURL: fmt.Sprintf("pkg:npm/%s@%s", name, version), CPEs: cpesOf(name, version),
		Metadata: pkg.NpmPackage{Name: name, Version: version}}
}

func python(name, version, path string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.PythonPkg, Language: pkg.Python, Locations: at(path),
		PURL: fmt.Sprintf("pkg:pypi/%s@%s", name, version), Metadata: pkg.PythonPackage{Name: name, Version: version}}
}

func jar(group, name, version, path string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.JavaPkg, Language: pkg.Java, Locations: at(path),
		PURL: fmt.Sprintf("pkg:maven/%s/%s@%s", group, name, version), CPEs: cpesOf(name, version),
		Metadata: pkg.JavaArchive{VirtualPath: path, PomProperties: &pkg.JavaPomProperties{GroupID: group, ArtifactID: name, Version: version}}}
}

func binary(name, version, path string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.BinaryPkg, Locations: at(path),
		PURL: fmt.Sprintf("pkg:generic/%s@%s", name, version), CPEs: cpesOf(name, version), Metadata: pkg.BinarySignature{}}
}

// goModule is a module in a Go binary, with the symbols that were linked.
func goModule(name, version, path string, symbols map[string][]string) pkg.Package {
	return pkg.Package{Name: name, Version: version, Type: pkg.GoModulePkg, Language: pkg.Go, Locations: at(path),
		PURL: fmt.Sprintf("pkg:golang/%s@%s", name, version), CPEs: cpesOf(name, strings.TrimPrefix(version, "v")),
		Metadata: pkg.GolangBinaryBuildinfoEntry{GoCompiledVersion: "go1.22.1", Architecture: "amd64",
			MainModule: "example.org/app", Symbols: symbols}}
}

func cpesOf(name, version string) []cpe.CPE {
	product := strings.ToLower(name[strings.LastIndexAny(name, "/:")+1:])
	return []cpe.CPE{
		{Attributes: cpe.Attributes{Part: "a", Vendor: product, Product: product, Version: version}, Source: cpe.GeneratedSource},
		{Attributes: cpe.Attributes{Part: "a", Vendor: product + "_project", Product: product, Version: version, TargetSW: "node.js"}, Source: cpe.GeneratedSource},
	}
}

// debianImage has packages of one source, a kernel's headers, and packages that
// distribution packages own.
func debianImage(t *testing.T) []byte {
	i := &inventory{release: debian()}
	i.add(deb("libssl3", "3.0.9-1", "openssl"))
	i.add(deb("openssl", "3.0.9-1", ""))
	i.add(deb("zlib1g", "1:1.2.13.dfsg-1", "zlib"))
	i.add(deb("linux-libc-dev", "6.1.38-1", "linux"))
	i.add(deb("bash", "5.2.15-2+b2", "bash"))
	owner := i.add(deb("python3-django", "3:3.2.19-1+deb12u1", "python-django"))
	i.own(owner, i.add(python("Django", "4.0.0", "/usr/lib/python3/dist-packages/Django.egg-info")))
	i.own(owner, i.add(python("sqlparse", "3:3.2.19", "/usr/lib/python3/dist-packages/sqlparse.egg-info"))) // left out by its owner
	i.add(python("Django", "4.0.0", "/opt/app/Django.egg-info"))
	i.add(binary("redis", "7.0.1", "/usr/local/bin/redis-server"))
	return i.json(t)
}

// nodeImage has a package at several places and others that an RPM owns.
func nodeImage(t *testing.T) []byte {
	i := &inventory{release: amazon()}
	i.add(npm("lodash", "4.17.20", "/app/node_modules/lodash/package.json"))
	i.add(npm("lodash", "4.17.20", "/app/node_modules/a/node_modules/lodash/package.json"))
	i.add(npm("lodash", "4.17.19", "/app/node_modules/b/node_modules/lodash/package.json"))
	i.add(npm("@babel/core", "7.0.0", "/app/node_modules/@babel/core/package.json"))
	i.add(jar("org.apache.logging.log4j", "log4j-core", "2.14.1", "/app/log4j-core-2.14.1.jar"))
	i.add(jar("org.example", "core", "1.0", "/app/a.jar"))
	i.add(jar("com.example", "core", "1.0", "/app/b.jar"))
	owner := i.add(rpm("nodejs", "18.12.0-1.amzn2023", "nodejs-18.12.0-1.amzn2023.src.rpm"))
	i.own(owner, i.add(npm("npm", "8.19.2", "/usr/lib/node_modules/npm/package.json")))
	i.own(owner, i.add(npm("lodash", "4.17.20", "/usr/lib/node_modules/lodash/package.json")))
	return i.json(t)
}

// goImage has a module in two binaries, of which one does not link the vulnerable
// function.
func goImage(t *testing.T) []byte {
	i := &inventory{release: alpine()}
	const net = "golang.org/x/net"
	i.add(goModule(net, "v0.7.0", "/bin/one", map[string][]string{net + "/html": {"Parse", "(*Tokenizer).Next"}}))
	i.add(goModule(net, "v0.7.0", "/bin/two", map[string][]string{net + "/http2": {"(*Server).ServeConn"}}))
	i.add(goModule("stdlib", "go1.22.1", "/bin/one", map[string][]string{"net/http": {"Get"}}))
	i.add(goModule("example.org/app", "v0.0.0-20240101000000-abcdef123456", "/bin/one", nil))
	i.add(apk("libssl3", "3.3.0-r0", "openssl"))
	i.add(apk("busybox", "1.36.1-r0", "busybox"))
	owner := i.add(apk("py3-requests", "2.31.0-r0", "py3-requests"))
	i.own(owner, i.add(python("requests", "2.31.0", "/usr/lib/python3.12/site-packages/requests/METADATA")))
	return i.json(t)
}

func images(t *testing.T) map[string][]byte {
	return map[string][]byte{"debian": debianImage(t), "node": nodeImage(t), "go": goImage(t)}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
