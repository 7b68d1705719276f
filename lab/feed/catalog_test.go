package feed_test

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/image"
	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/format/syftjson"
	"github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source/stereoscopesource"

	"github.com/tagwatch/tagwatch/lab"
)

// scanning holds the license scanner, which takes a second to build.
var scanning = sync.OnceValues(func() (context.Context, error) {
	return syft.SetContextLicenseScanner(context.Background(), syft.DefaultCreateSBOMConfig().Licenses)
})

func TestImagesAreCataloged(t *testing.T) {
	cases := []struct {
		name string
		part lab.Part
		want []string // type, name and version
	}{
		{"debian", lab.Debian(lab.Bookworm()...), []string{"deb libssl3 3.0.9-1", "deb passwd 1:4.13+dfsg1-1+b1"}},
		{"node", lab.Node("/app", lab.NodeModule{Name: "@babel/core", Version: "7.0.0"}), []string{"npm @babel/core 7.0.0", "npm app 1.0.0"}},
		{"alpine", lab.Alpine(lab.Apk{Name: "libssl3", Version: "3.3.0-r2", Origin: "openssl"}), []string{"apk libssl3 3.3.0-r2"}},
		{"python", lab.Python(lab.PythonPackage{Name: "Django", Version: "4.2.1"}), []string{"python django 4.2.1"}},
		{"ruby", lab.Ruby(lab.Gem{Name: "rack", Version: "2.2.3"}), []string{"gem rack 2.2.3"}},
		{"java", lab.Java("/opt", lab.Jar{Group: "org.apache.logging.log4j", Artifact: "log4j-core", Version: "2.14.1"}),
			[]string{"java-archive log4j-core 2.14.1"}},
		{"go", lab.GoBinary("/app", lab.GoModule{Path: "golang.org/x/net", Version: "v0.7.0"}), []string{"go-module golang.org/x/net v0.7.0"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := packagesOf(catalog(t, newImage(t, c.part)))
			for _, want := range c.want {
				if !found[want] {
					t.Errorf("no package %q in %v", want, found)
				}
			}
		})
	}
}

// TestCatalogFollowsLayers has packages that a later layer upgrades or removes, in
// each format of image.
func TestCatalogFollowsLayers(t *testing.T) {
	cases := []struct {
		name   string
		format lab.Part
	}{
		{"OCI with gzip", lab.ClassicHistory},
		{"OCI with zstd", lab.Zstd},
		{"Docker", lab.Docker},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found := packagesOf(catalog(t, newImage(t, c.format,
				lab.Debian(lab.Deb{Name: "openssl", Version: "3.0.9-1"}),
				lab.Node("/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"}),
				lab.Node("/old", lab.NodeModule{Name: "minimist", Version: "1.2.0"}),
				lab.Debian(lab.Deb{Name: "openssl", Version: "3.0.11-1~deb12u2"}),
				lab.Remove("/app/node_modules/lodash"),
				lab.Run("empty /old", lab.OpaqueWhiteout("/old")),
			)))
			want := map[string]bool{"deb openssl 3.0.11-1~deb12u2": true, "npm app 1.0.0": true}
			if !maps.Equal(found, want) {
				t.Errorf("got %v, want %v", found, want)
			}
		})
	}
}

func TestStaticBinaryHasNoPackages(t *testing.T) {
	if found := packagesOf(catalog(t, newImage(t, lab.StaticBinary("/app")))); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

func newImage(t *testing.T, parts ...lab.Part) v1.Image {
	t.Helper()
	built, err := lab.NewImage(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// catalog makes an SBOM of an image with the settings that make it equal to
// grype's own.
func catalog(t *testing.T, built v1.Image) *sbom.SBOM {
	t.Helper()
	temp := file.NewTempDirGenerator("lab")
	t.Cleanup(func() { _ = temp.Cleanup() })
	dir, err := temp.NewDirectory("layers")
	if err != nil {
		t.Fatal(err)
	}
	read := image.New(built, temp, dir)
	if err := read.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := syft.DefaultCreateSBOMConfig().WithoutFiles()
	config.Packages.JavaArchive.IncludeIndexedArchives = true
	config.Packages.JavaArchive.IncludeUnindexedArchives = false
	config.Packages.Golang = config.Packages.Golang.WithCaptureSymbols(cataloging.SymbolScopeAll)
	config.Compliance.MissingVersion = cataloging.ComplianceActionDrop
	ctx, err := scanning()
	if err != nil {
		t.Fatal(err)
	}
	document, err := syft.CreateSBOM(ctx, stereoscopesource.New(read, stereoscopesource.ImageConfig{}), config)
	if err != nil {
		t.Fatal(err)
	}
	if problems := document.Artifacts.Unknowns; len(problems) > 0 {
		t.Errorf("could not be read: %v", problems)
	}
	return document
}

func packagesOf(document *sbom.SBOM) map[string]bool {
	found := map[string]bool{}
	for p := range document.Artifacts.Packages.Enumerate() {
		found[string(p.Type)+" "+p.Name+" "+p.Version] = true
	}
	return found
}

func encode(t *testing.T, document *sbom.SBOM) *bytes.Reader {
	t.Helper()
	var encoded bytes.Buffer
	if err := syftjson.NewFormatEncoder().Encode(&encoded, *document); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(encoded.Bytes())
}
