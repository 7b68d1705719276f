package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tagwatch/tagwatch/lab"
)

var commit = source{version: "1.0.0", revision: strings.Repeat("a1", 20), date: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), builder: "https://builder.example"}

// TestMain also stands in for the worker of a release.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "sbom" {
		found, err := os.ReadDir(os.Args[2])
		fmt.Printf(`{"bomFormat": "CycloneDX", "files": %d, "date": %q}`, len(found), os.Getenv("SOURCE_DATE_EPOCH"))
		if err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// newDist is a folder of a release whose programs are this test's.
func newDist(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type artifact struct{ Name, Path, Goos, Goarch, Type string }
	var built []artifact
	for _, architecture := range platforms {
		for _, each := range contained {
			path := filepath.Join("dist", each+"_linux_"+architecture, each)
			built = append(built, artifact{each, path, "linux", architecture, "Binary"})
			err = errors.Join(err, os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755), os.Link(program, filepath.Join(root, path)))
		}
	}
	list, marshalErr := json.Marshal(built)
	err = errors.Join(err, marshalErr, os.WriteFile(filepath.Join(root, "dist", "artifacts.json"), list, 0o644))
	err = errors.Join(err, os.Mkdir(filepath.Join(root, "bin"), 0o755))
	for _, name := range []string{"LICENSE", "NOTICE", "bin/THIRD_PARTY_LICENSES.txt"} {
		err = errors.Join(err, os.WriteFile(filepath.Join(root, name), []byte(name+"\n"), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "dist")
}

// newBase is a registry with a base image for two platforms.
func newBase(t *testing.T) (*lab.Registry, string) {
	t.Helper()
	registry, err := lab.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	var images []v1.Image
	for _, architecture := range platforms {
		image, err := lab.NewImage(lab.Platform("linux/"+architecture), lab.Copy("/", lab.Text("/etc/passwd", "nonroot:x:65532:65532::/:\n")))
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	index, err := lab.NewIndex(images...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Push("base:1", index); err != nil {
		t.Fatal(err)
	}
	return registry, registry.Reference("base:1")
}

// TestImage makes the image twice in two folders, pushes it, and reads it as whoever
// pulls it would.
func TestImage(t *testing.T) {
	t.Parallel()
	registry, base := newBase(t)
	var digests [2]string
	for i := range digests {
		made := recipe{source: commit, dist: newDist(t), base: base}
		var out bytes.Buffer
		folder := filepath.Join(t.TempDir(), "image")
		if err := made.make(t.Context(), folder, registry.Reference("tagwatch:1.0.0"), &out); err != nil {
			t.Fatal(err)
		}
		digests[i] = strings.TrimSpace(out.String())
		if path, err := layout.FromPath(folder); err != nil {
			t.Error(err)
		} else if index, err := path.ImageIndex(); err != nil {
			t.Error(err)
		} else if manifest, err := index.IndexManifest(); err != nil || !strings.HasSuffix(digests[i], manifest.Manifests[0].Digest.String()) {
			t.Errorf("the folder has %+v (%v), want %s", manifest, err, digests[i])
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("two runs made %s and %s", digests[0], digests[1])
	}
	reference, err := name.ParseReference(digests[0])
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(reference)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 4 {
		t.Fatalf("the index has %d manifests, want two images with attestations", len(manifest.Manifests))
	}
	for i, architecture := range platforms {
		image, attested := manifest.Manifests[i], manifest.Manifests[i+2]
		checkImage(t, index, image, architecture)
		if attested.Annotations["vnd.docker.reference.digest"] != image.Digest.String() {
			t.Errorf("%s: the attestation is of %v", architecture, attested.Annotations)
		}
		checkAttestations(t, index, attested.Digest, image.Digest)
	}
}

func checkImage(t *testing.T, index v1.ImageIndex, of v1.Descriptor, architecture string) {
	t.Helper()
	image, err := index.Image(of.Digest)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.OS != "linux" || file.Architecture != architecture || of.Platform.Architecture != architecture {
		t.Errorf("%s/%s for %+v", file.OS, file.Architecture, of.Platform)
	}
	if file.Config.User != "65532:65532" || file.Config.Labels["org.opencontainers.image.revision"] != commit.revision || !file.Created.Time.Equal(commit.date) {
		t.Errorf("configuration %+v of %s", file.Config, file.Created)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("%d layers (%v), want that of the base and one more", len(layers), err)
	}
	want := []string{"usr/local/bin/ 755 0", "usr/local/bin/tagwatch 755 0", "usr/local/bin/tagwatch-worker 755 0", "usr/share/doc/tagwatch/ 755 0",
		"usr/share/doc/tagwatch/LICENSE 644 0", "usr/share/doc/tagwatch/NOTICE 644 0", "usr/share/doc/tagwatch/THIRD_PARTY_LICENSES.txt 644 0",
		"usr/share/doc/tagwatch/sbom.cdx.json 644 0", "var/lib/tagwatch/ 700 65532"}
	if diff := cmp.Diff(want, listed(t, layers[1])); diff != "" {
		t.Error(diff)
	}
}

// listed are the entries of a layer, with mode and owner.
func listed(t *testing.T, layer v1.Layer) []string {
	t.Helper()
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var found []string
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(commit.date) {
			t.Errorf("%s is of %s", header.Name, header.ModTime)
		}
		found = append(found, header.Name+" "+octal(header.Mode)+" "+decimal(header.Uid))
	}
}

// checkAttestations wants an SBOM and the provenance of an image.
func checkAttestations(t *testing.T, index v1.ImageIndex, digest, of v1.Hash) {
	t.Helper()
	attested, err := index.Image(digest)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := attested.Layers()
	if err != nil {
		t.Fatal(err)
	}
	predicates := map[string]json.RawMessage{}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Subject       []subject
			PredicateType string
			Predicate     json.RawMessage
		}
		if err := errors.Join(json.NewDecoder(content).Decode(&read), content.Close()); err != nil {
			t.Fatal(err)
		}
		if len(read.Subject) != 1 || read.Subject[0].Digest["sha256"] != of.Hex {
			t.Errorf("%s is about %+v, want %s", read.PredicateType, read.Subject, of)
		}
		predicates[read.PredicateType] = read.Predicate
	}
	var made provenance
	if err := json.Unmarshal(predicates[provenanceType], &made); err != nil {
		t.Error(err)
	} else if from := made.BuildDefinition.ResolvedDependencies; len(from) != 3 || from[0].Digest["gitCommit"] != commit.revision || made.RunDetails.Builder.ID != commit.builder {
		t.Errorf("provenance %+v", made)
	}
	if want := `{"bomFormat":"CycloneDX","files":2,"date":"1767323045"}`; string(predicates[sbomType]) != want {
		t.Errorf("SBOM %s, want %s", predicates[sbomType], want)
	}
}

func TestImageWithoutBase(t *testing.T) {
	t.Parallel()
	registry, _ := newBase(t)
	image, err := lab.NewImage(lab.Platform("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := lab.NewIndex(image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Push("base:one", index); err != nil {
		t.Fatal(err)
	}
	for base, want := range map[string]string{"base:one": "linux/arm64", "base:absent": "read the base image"} {
		made := recipe{source: commit, dist: newDist(t), base: registry.Reference(base)}
		if err := made.make(t.Context(), t.TempDir(), "", io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %q", base, err, want)
		}
	}
}
