package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// attest puts statements about an image, by their types, into a manifest to stand
// beside the image in its index.
//
// Specification: https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
func attest(image v1.Image, predicates map[string]any) (mutate.IndexAddendum, error) {
	digest, err := image.Digest()
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	of := []subject{{Name: "tagwatch", Digest: map[string]string{digest.Algorithm: digest.Hex}}}
	manifest, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "unknown", Architecture: "unknown", RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return mutate.IndexAddendum{}, err
	}
	for _, kind := range sorted(predicates) {
		document, err := json.Marshal(newStatement(of, kind, predicates[kind]))
		if err != nil {
			return mutate.IndexAddendum{}, fmt.Errorf("attest %s: %w", kind, err)
		}
		manifest, err = mutate.Append(manifest, mutate.Addendum{
			Layer:       static.NewLayer(document, "application/vnd.in-toto+json"),
			Annotations: map[string]string{"in-toto.io/predicate-type": kind},
		})
		if err != nil {
			return mutate.IndexAddendum{}, fmt.Errorf("attest %s: %w", kind, err)
		}
	}
	manifest = mutate.ConfigMediaType(mutate.MediaType(manifest, types.OCIManifestSchema1), types.OCIConfigJSON)
	return mutate.IndexAddendum{Add: manifest, Descriptor: v1.Descriptor{
		Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{"vnd.docker.reference.digest": digest.String(), "vnd.docker.reference.type": "attestation-manifest"},
	}}, nil
}

// bill is the SBOM of the programs in an image, as CycloneDX.
func (r recipe) bill(ctx context.Context, programs map[string]string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "tagwatch-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	for _, name := range contained {
		content, err := os.ReadFile(programs[name])
		if err != nil {
			return nil, fmt.Errorf("read the programs: %w", err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o755); err != nil {
			return nil, err
		}
	}
	own, err := programsOf(r.dist, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	var problem bytes.Buffer
	command := exec.CommandContext(ctx, own["tagwatch-worker"], "sbom", folder)
	command.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.date.Unix(), 10))
	command.Stderr = &problem
	document, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("write the SBOM of the programs: %w: %s", err, problem.Bytes())
	}
	return document, nil
}
