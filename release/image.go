package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// recipe is what an image is made from.
type recipe struct {
	source
	dist string
	base string // reference
}

// make writes the image into a folder, and pushes it if push is a reference.
func (r recipe) make(ctx context.Context, folder, push string, out io.Writer) error {
	index, err := r.index(ctx)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("make the image: %w", err)
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	if push == "" {
		fmt.Fprintln(out, digest)
		return nil
	}
	to, err := name.ParseReference(push)
	if err != nil {
		return err
	}
	if err := remote.WriteIndex(to, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push the image: %w", err)
	}
	fmt.Fprintf(out, "%s@%s\n", to.Context(), digest)
	return nil
}

// index has an image for each platform, and what is attested of it.
func (r recipe) index(ctx context.Context) (v1.ImageIndex, error) {
	reference, err := name.ParseReference(r.base)
	if err != nil {
		return nil, err
	}
	base, err := remote.Index(reference, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, fmt.Errorf("read the base image: %w", err)
	}
	var images, attestations []mutate.IndexAddendum
	for _, architecture := range platforms {
		below, digest, err := imageFor(base, architecture)
		if err != nil {
			return nil, fmt.Errorf("base image %s: %w", reference, err)
		}
		image, attested, err := r.build(ctx, below, resource{URI: "pkg:docker/" + reference.Name(), Digest: map[string]string{digest.Algorithm: digest.Hex}}, architecture)
		if err != nil {
			return nil, err
		}
		images, attestations = append(images, image), append(attestations, attested)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	return mutate.AppendManifests(index, append(images, attestations...)...), nil
}

func imageFor(base v1.ImageIndex, architecture string) (v1.Image, v1.Hash, error) {
	manifest, err := base.IndexManifest()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	for _, each := range manifest.Manifests {
		if p := each.Platform; p != nil && p.OS == "linux" && p.Architecture == architecture {
			image, err := base.Image(each.Digest)
			return image, each.Digest, err
		}
	}
	return nil, v1.Hash{}, fmt.Errorf("it has no image for linux/%s", architecture)
}

// build is the image for one platform, and its attestations.
func (r recipe) build(ctx context.Context, base v1.Image, below resource, architecture string) (image, attested mutate.IndexAddendum, err error) {
	programs, err := programsOf(r.dist, "linux", architecture)
	if err != nil {
		return image, attested, err
	}
	bill, err := r.bill(ctx, programs)
	if err != nil {
		return image, attested, err
	}
	documents, err := r.documents()
	if err != nil {
		return image, attested, err
	}
	documents["sbom.cdx.json"] = bill
	entries, err := entriesOf(programs, documents)
	if err != nil {
		return image, attested, err
	}
	layer, err := newLayer(entries, r.date)
	if err != nil {
		return image, attested, err
	}
	made, err := r.configure(base, layer, below)
	if err != nil {
		return image, attested, fmt.Errorf("make the image for linux/%s: %w", architecture, err)
	}
	image = mutate.IndexAddendum{Add: made, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}}
	attested, err = attest(made, map[string]any{sbomType: json.RawMessage(bill), provenanceType: newProvenance(r.source, below)})
	return image, attested, err
}

// documents are the texts about licenses, in the repository and as .ci/release.sh wrote them.
func (r recipe) documents() (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, name := range []string{"LICENSE", "NOTICE", "bin/THIRD_PARTY_LICENSES.txt"} {
		content, err := os.ReadFile(filepath.Join(r.dist, "..", name))
		if err != nil {
			return nil, err
		}
		found[filepath.Base(name)] = content
	}
	return found, nil
}

// configure sets what the Dockerfile sets.
func (r recipe) configure(base v1.Image, layer v1.Layer, below resource) (v1.Image, error) {
	made, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: r.date}, CreatedBy: "release", Comment: "Tagwatch " + r.version}})
	if err != nil {
		return nil, err
	}
	read, err := made.ConfigFile()
	if err != nil {
		return nil, err
	}
	file := read.DeepCopy()
	file.Created = v1.Time{Time: r.date}
	config := &file.Config
	config.User = fmt.Sprintf("%d:%d", nonroot, nonroot)
	config.Env = append(config.Env, "TAGWATCH_DATA_DIR=/var/lib/tagwatch", "TAGWATCH_LISTEN=0.0.0.0:8234")
	config.Volumes = map[string]struct{}{"/var/lib/tagwatch": {}}
	config.ExposedPorts = map[string]struct{}{"8234/tcp": {}}
	config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "/usr/local/bin/tagwatch-worker", "health"}, Interval: 10 * time.Second, Timeout: 10 * time.Second, StartPeriod: time.Minute}
	config.Entrypoint, config.Cmd = []string{"/usr/local/bin/tagwatch-worker"}, nil
	config.Labels = r.labels(below)
	made, err = mutate.ConfigFile(made, file)
	if err != nil {
		return nil, err
	}
	return mutate.ConfigMediaType(mutate.MediaType(made, types.OCIManifestSchema1), types.OCIConfigJSON), nil
}

func (r recipe) labels(below resource) map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title": "Tagwatch", prefix + "version": r.version, prefix + "revision": r.revision,
		prefix + "source": repository, prefix + "licenses": "Apache-2.0", prefix + "created": r.date.Format(time.RFC3339),
		prefix + "base.name": r.base, prefix + "base.digest": "sha256:" + below.Digest["sha256"],
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
