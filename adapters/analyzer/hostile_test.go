package analyzer_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// Every hostile image ends in its state, which names the limit or the breakage,
// and leaves nothing behind. These are small forms within small limits; the large
// ones within the defaults are in BenchmarkHostileImages. What only looks hostile,
// such as paths that lead outside, links that go in circles, devices and junk, is
// in TestHarmlessOdditiesAreAnalyzed, and that others are served meanwhile in
// TestOthersAreServedBesideAHostileImage.
func TestHostileImagesEndWithinTheirLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		limits analyzer.Limits
		image  func(*testing.T) v1.Image
		want   error
		says   string
	}{
		{"zeros", analyzer.Limits{LayerBytes: 1 << 20}, zeroLayer, errkind.Limit, "file of 8 MiB in a layer that may have 1 MiB"},
		{"zeros in many layers", analyzer.Limits{ImageBytes: 1 << 20}, manyZeroLayers, errkind.Limit, "image unpacks to more than 1 MiB"},
		{"many files", analyzer.Limits{Entries: 1000}, manyFiles, errkind.Limit, "more than 1000 files"},
		{"many layers", analyzer.Limits{Layers: 3}, manyZeroLayers, errkind.Limit, "the limit is 3"},
		{"long path", analyzer.Limits{}, longPath, errkind.Limit, "path of 900003 bytes, the limit is 4096"},
		{"deep path", analyzer.Limits{PathDepth: 8}, deepPath, errkind.Limit, "9 folders deep, the limit is 8"},
		{"nested jars", analyzer.Limits{Wall: 3 * time.Second}, jars, errkind.Limit, "time limit of 3s"},
		{"nested jars, little processor time", analyzer.Limits{CPU: 3 * time.Second}, jars, errkind.Limit, "processor limit of 3s"},
		{"large package database", analyzer.Limits{Memory: 256 << 20}, largeDatabase, errkind.Limit, "memory limit of 256 MiB"},
		{"large package description", analyzer.Limits{Memory: 192 << 20}, largeDescription, errkind.Limit, "memory limit of 192 MiB"},
		{"zeros that are named like an interpreter", analyzer.Limits{CPU: 3 * time.Second}, largeInterpreter, errkind.Limit, "processor limit of 3s"},
		{"jar with a large member", analyzer.Limits{Scratch: 8 << 20}, largeMember, errkind.Limit, "limit of 8 MiB"},
		{"file and folder at one path", analyzer.Limits{}, fileAndFolder, errkind.Invalid, "broken image"},
		{"other diff IDs", analyzer.Limits{}, otherDiffIDs, errkind.Invalid, "as the configuration says"},
		{"too few diff IDs", analyzer.Limits{}, tooFewDiffIDs, errkind.Invalid, "the configuration 0"},
		{"no archive", analyzer.Limits{}, noArchive, errkind.Invalid, "broken archive"},
		{"layer that is elsewhere", analyzer.Limits{}, foreignLayer, errkind.Invalid, "cannot be analyzed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, test.limits)
			result, err := b.Analyze(t.Context(), b.push(t, test.image(t)))
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error = %v, want %v that says %q", err, test.want, test.says)
			}
			if result.SBOM != nil || result.Inventory != nil {
				t.Error("a partial result")
			}
			if left := b.leftovers(t); len(left) > 0 {
				t.Errorf("left in the scratch space: %v", left)
			}
		})
	}
}

func zeroLayer(t *testing.T) v1.Image {
	return raw(t, slices.Values([]entry{{Header: tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: 8 << 20}}}))
}

func manyZeroLayers(t *testing.T) v1.Image {
	layer, err := zeroLayer(t).Layers()
	if err != nil {
		t.Fatal(err)
	}
	return withLayer(t, empty.Image, layer[0], layer[0], layer[0], layer[0])
}

func manyFiles(t *testing.T) v1.Image {
	return raw(t, func(yield func(entry) bool) {
		for i := range 5000 {
			if !yield(file(fmt.Sprint(i), "")) {
				return
			}
		}
	})
}

func longPath(t *testing.T) v1.Image {
	return raw(t, slices.Values([]entry{file(strings.Repeat("long/", 900_000/5)+"end", "")}))
}

func deepPath(t *testing.T) v1.Image {
	return raw(t, slices.Values([]entry{file(strings.Repeat("deep/", 9)+"end", "")}))
}

func jars(t *testing.T) v1.Image { return nestedJars(t) }

// nestedJars are ten jars in each of ten jars, and so on.
func nestedJars(t testing.TB) v1.Image {
	inner := []byte("Manifest-Version: 1.0\n\n")
	name := "META-INF/MANIFEST.MF"
	for range 7 {
		members := map[string][]byte{"META-INF/MANIFEST.MF": []byte("Manifest-Version: 1.0\n\n")}
		for i := range 10 {
			members[fmt.Sprintf("%d%s", i, name)] = inner
		}
		inner, name = jar(t, members), ".jar"
	}
	return raw(t, slices.Values([]entry{file("app.jar", string(inner))}))
}

func largeDatabase(t *testing.T) v1.Image {
	depends := strings.Repeat("d,", 4000) + "d"
	var status strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&status, "Package: p%d\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.%d\nDepends: %s\n\n", i, i, depends)
	}
	return raw(t, slices.Values([]entry{file("etc/os-release", "ID=debian\nVERSION_ID=12\n"), file("var/lib/dpkg/status", status.String())}))
}

// largeDescription is read into memory as a whole by the search for packages.
func largeDescription(t *testing.T) v1.Image {
	text := `{"name": "large", "version": "1.0.0", "description": "` + strings.Repeat("x", 100<<20) + `"}`
	return raw(t, slices.Values([]entry{file("node_modules/large/package.json", text)}))
}

// largeInterpreter is searched for a version with one expression after the other.
func largeInterpreter(t *testing.T) v1.Image {
	return raw(t, slices.Values([]entry{{Header: tar.Header{Name: "bin/python3.11", Typeflag: tar.TypeReg, Mode: 0o755, Size: 128 << 20}}}))
}

func largeMember(t *testing.T) v1.Image {
	inner := jar(t, map[string][]byte{"META-INF/MANIFEST.MF": []byte("Manifest-Version: 1.0\n\n"), "zeros": make([]byte, 64<<20)})
	return raw(t, slices.Values([]entry{file("app.jar", string(jar(t, map[string][]byte{
		"META-INF/MANIFEST.MF": []byte("Manifest-Version: 1.0\n\n"), "inner.jar": jar(t, map[string][]byte{"stored.jar": inner}), "big.jar": make([]byte, 64<<20),
	})))}))
}

func fileAndFolder(t *testing.T) v1.Image {
	return raw(t, slices.Values([]entry{file("a", "x"), file("a/b", "x"), {Header: tar.Header{Name: "a", Typeflag: tar.TypeDir}}}))
}

func otherDiffIDs(t *testing.T) v1.Image {
	return reconfigured(t, func(config *v1.ConfigFile) {
		config.RootFS.DiffIDs = []v1.Hash{{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}}
	})
}

func tooFewDiffIDs(t *testing.T) v1.Image {
	return reconfigured(t, func(config *v1.ConfigFile) { config.RootFS.DiffIDs = nil })
}

func reconfigured(t *testing.T, change func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	honest := build(t, lab.StaticBinary("/app"))
	config, err := honest.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	change(config)
	lying, err := mutate.ConfigFile(honest, config)
	if err != nil {
		t.Fatal(err)
	}
	return lying
}

func noArchive(t *testing.T) v1.Image {
	return withLayer(t, empty.Image, static.NewLayer([]byte(strings.Repeat("no archive ", 100)), types.OCILayer))
}

func foreignLayer(t *testing.T) v1.Image {
	return withLayer(t, empty.Image, static.NewLayer([]byte("windows"), types.DockerForeignLayer))
}
