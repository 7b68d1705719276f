package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	maxManifest = 4 << 20 // bytes; the specification asks registries to accept this much
	maxConfig   = 8 << 20 // bytes
)

// manifestTypes are what Tagwatch can read, for the Accept header.
var manifestTypes = []string{
	string(types.OCIImageIndex), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
}

// document is a manifest or an index, verified against its digest.
type document struct {
	digest    image.Digest
	raw       []byte
	mediaType types.MediaType
}

// manifest reads a manifest or index by tag or digest.
func (r *Registry) manifest(ctx context.Context, repository image.Repository, identifier string) (document, error) {
	if known, found := r.documents.find(repository, identifier); found {
		return known, nil
	}
	ctx, cancel := r.soon(ctx)
	defer cancel()
	var doc document
	question := manifestQuery(http.MethodGet, repository, identifier)
	err := r.eachPlace(ctx, question, func(at place) (err error) {
		doc, err = at.document(ctx, question)
		return err
	})
	if err == nil {
		r.documents.keep(repository, doc)
	}
	return doc, err
}

func manifestQuery(method string, repository image.Repository, identifier string) query {
	resource := "manifests/" + identifier
	return query{method: method, repository: repository, resource: resource, digest: digestIn(resource), accept: manifestTypes}
}

// document reads a manifest or index. What was asked for by its tag is only what
// the registry says it is: bytes that do not fit the digest that comes with them,
// or are no manifest at all, did not arrive as the registry has them.
func (p place) document(ctx context.Context, q query) (document, error) {
	raw, header, err := p.read(ctx, q, maxManifest)
	if err != nil {
		return document{}, err
	}
	doc := document{digest: digestOf(raw), raw: raw}
	doc.mediaType, err = mediaTypeOf(raw, header.Get("Content-Type"))
	claimed, _ := image.ParseDigest(header.Get(digestHeader))
	fits := q.digest != "" || claimed == doc.digest
	switch {
	case q.digest == "" && claimed != "" && !fits && !errors.Is(err, errSchema1):
		return document{}, fmt.Errorf("what %s sends for %s has digest %s and not %s, as it says: %w", p.host.name, q.resource, doc.digest, claimed, errkind.Unavailable)
	case errors.Is(err, errNoManifest) && !fits:
		return document{}, fmt.Errorf("what %s sends for %s cannot be read: %w: %w", p.host.name, q.resource, errkind.Unavailable, err)
	case err != nil:
		return document{}, fmt.Errorf("manifest %s: %w: %w", doc.digest, errkind.Invalid, err)
	}
	return doc, nil
}

// read reads a document of limited size in limited time from wherever it is
// found.
func (r *Registry) read(ctx context.Context, q query, limit int64) (raw []byte, header http.Header, err error) {
	ctx, cancel := r.soon(ctx)
	defer cancel()
	err = r.eachPlace(ctx, q, func(at place) (err error) {
		raw, header, err = at.read(ctx, q, limit)
		return err
	})
	return raw, header, err
}

// soon limits the time that reading a document may take.
func (r *Registry) soon(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.timeouts.document, fmt.Errorf("no complete answer in %s", r.timeouts.document))
}

// read reads a document from one place. What is named by its digest is what the
// digest says. Anything else never arrived, which says nothing about the document.
func (p place) read(ctx context.Context, q query, limit int64) ([]byte, http.Header, error) {
	resp, err := p.ask(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	raw, err := readAll(resp.Body, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s from %s: %w", q.resource, p.host.name, err)
	}
	if found := digestOf(raw); q.digest != "" && found != q.digest {
		if p.mirror {
			p.host.distrust(q.digest)
		}
		return nil, nil, fmt.Errorf("what %s sends for %s has digest %s: %w", p.host.name, q.resource, found, errkind.Unavailable)
	}
	return raw, resp.Header, nil
}

// digestIn is the digest that names a resource, "" if none does.
func digestIn(resource string) image.Digest {
	_, name, _ := strings.Cut(resource, "/")
	digest, err := image.ParseDigest(name)
	if err != nil {
		return ""
	}
	return digest
}

func digestOf(content []byte) image.Digest {
	sum := sha256.Sum256(content)
	return image.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

var (
	// errSchema1 is the format of Docker before 2016, whose digest is not that of
	// its bytes.
	errSchema1 = errors.New("image manifest schema 1 is not supported; push the image again with a current tool")
	// errNoManifest reports that a document is something else altogether.
	errNoManifest = errors.New("neither an image nor an index")
)

// mediaTypeOf decides what a document is: by what it holds, whatever it is
// labeled with. One that could be read both ways is refused, since two readers
// might then see two images under one digest.
func mediaTypeOf(raw []byte, contentType string) (types.MediaType, error) {
	var shape struct {
		SchemaVersion int              `json:"schemaVersion"`
		MediaType     types.MediaType  `json:"mediaType"`
		Config        *json.RawMessage `json:"config"`
		Layers        *json.RawMessage `json:"layers"`
		Manifests     *json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &shape); err != nil {
		return "", fmt.Errorf("%w: no JSON document: %w", errNoManifest, err)
	}
	if shape.Manifests != nil && (shape.Layers != nil || shape.Config != nil) {
		return "", errors.New("both an index and an image manifest")
	}
	declared := shape.MediaType
	if declared == "" {
		bare, _, _ := mime.ParseMediaType(contentType) // "" is as good as none
		declared = types.MediaType(bare)
	}
	switch {
	case declared.IsSchema1(), shape.SchemaVersion == 1:
		return "", errSchema1
	case shape.Manifests != nil && declared.IsIndex(), shape.Config != nil && declared.IsImage():
		return declared, nil
	case shape.Manifests != nil:
		return types.OCIImageIndex, nil
	case shape.Config != nil:
		return types.OCIManifestSchema1, nil
	}
	return "", fmt.Errorf("%w: media type %q", errNoManifest, declared)
}

// imageManifest reads the manifest of an image. Other artifacts (signatures,
// charts) use the same document with another type of config.
func (d document) imageManifest() (*v1.Manifest, error) {
	if !d.mediaType.IsImage() {
		return nil, fmt.Errorf("manifest %s: media type %q is not an image's: %w", d.digest, d.mediaType, errkind.Invalid)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(d.raw))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w: %w", d.digest, errkind.Invalid, err)
	}
	if kind := artifactType(manifest); kind != "" {
		return nil, fmt.Errorf("manifest %s is an artifact of type %q; tags of signatures, charts and other artifacts cannot be analyzed: %w",
			d.digest, kind, errkind.Invalid)
	}
	return manifest, nil
}
