package analyzer

import (
	"cmp"
	"context"
	"errors"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Earlier returns the result of an analyzer of the same version for an image with the
// same FileSystem; errkind.NotFound without one.
type Earlier func(ctx context.Context, fileSystem string) (*sbom.Inventory, []byte, error)

// reuse returns an earlier analysis of the same layers under another manifest or
// configuration, as of an image that was built again with other labels. The layers
// have been verified: an image that lies about them does not get here.
func (a *Analyzer) reuse(ctx context.Context, request Request, documents documents) (Result, bool, error) {
	if request.Earlier == nil {
		return Result{}, false, nil
	}
	fileSystem, err := inspect.FileSystem(documents.config)
	if err != nil {
		return Result{}, false, err
	}
	inventory, bill, err := request.Earlier(ctx, fileSystem)
	if errors.Is(err, errkind.NotFound) {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, err
	}
	inventory, bill, err = inspect.Restamp(inspect.Request{Name: cmp.Or(request.Name, string(request.Digest)),
		Digest: request.Digest, Manifest: documents.manifest, Config: documents.config}, inventory, bill)
	if err != nil {
		return Result{}, false, nil // a new analysis does not need it
	}
	return Result{Inventory: inventory, SBOM: bill, Version: a.version, Reused: true}, true, nil
}
