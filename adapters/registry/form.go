package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Form reads what a digest is that a runtime reports, and what is in it: errkind.NotFound if
// the repository has neither a manifest nor a configuration of that digest.
func (r *Registry) Form(ctx context.Context, repository image.Repository, digest image.Digest) (workload.Form, error) {
	doc, err := r.manifest(ctx, repository, string(digest))
	if errors.Is(err, errkind.NotFound) {
		return r.configuration(ctx, repository, digest)
	}
	if err != nil {
		return workload.Form{}, fmt.Errorf("read %s@%s: %w", repository, digest, err)
	}
	if doc.mediaType.IsIndex() {
		return formOfIndex(doc)
	}
	manifest, err := doc.imageManifest()
	if err != nil {
		return workload.Form{}, err
	}
	return workload.Form{Kind: workload.Manifest, Parts: []workload.Part{{Digest: image.Digest(manifest.Config.Digest.String())}}}, nil
}

func formOfIndex(doc document) (workload.Form, error) {
	form := workload.Form{Kind: workload.Index}
	parsed, err := v1.ParseIndexManifest(bytes.NewReader(doc.raw))
	if err != nil {
		return form, fmt.Errorf("index %s: %w: %w", doc.digest, errkind.Invalid, err)
	}
	for _, each := range parsed.Manifests {
		if isImage(each) {
			form.Parts = append(form.Parts, workload.Part{Digest: image.Digest(each.Digest.String()), Platform: platformOf(each), Index: each.MediaType.IsIndex()})
		}
	}
	return form, nil
}

// configuration is what a digest is that no manifest has.
func (r *Registry) configuration(ctx context.Context, repository image.Repository, digest image.Digest) (workload.Form, error) {
	raw, _, err := r.read(ctx, query{method: http.MethodGet, repository: repository, resource: "blobs/" + string(digest), digest: digest}, maxConfig)
	if errors.Is(err, errkind.NotFound) {
		return workload.Form{}, fmt.Errorf("%s has neither a manifest nor a configuration %s: %w", repository, digest, errkind.NotFound)
	}
	if err == nil {
		_, err = image.ParseConfiguration(raw)
	}
	if err != nil {
		return workload.Form{}, fmt.Errorf("read the configuration %s@%s: %w", repository, digest, err)
	}
	return workload.Form{Kind: workload.Configuration}, nil
}
