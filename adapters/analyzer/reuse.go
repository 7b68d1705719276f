package analyzer

import (
	"cmp"
	"context"
	"errors"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Known returns what an analyzer of the same version made of an image with the
// same FileSystem; errkind.NotFound if there is none.
type Known func(ctx context.Context, fileSystem string) (*sbom.Inventory, []byte, error)

// reuse answers with what is known of the same layers under another manifest or
// configuration, as of an image that was built again with other labels. The layers
// are verified by then: an image that lies about them gets nothing.
func (a *Analyzer) reuse(ctx context.Context, request Request, documents documents) (Result, bool, error) {
	if request.Known == nil {
		return Result{}, false, nil
	}
	fileSystem, err := inspect.FileSystem(documents.config)
	if err != nil {
		return Result{}, false, err
	}
	inventory, bill, err := request.Known(ctx, fileSystem)
	if errors.Is(err, errkind.NotFound) {
		return Result{}, false, nil
	}
	if err != nil {
		return Result{}, false, err
	}
	inventory, bill, err = inspect.Restamp(inspect.Request{Name: cmp.Or(request.Name, string(request.Digest)),
		Digest: request.Digest, Manifest: documents.manifest, Config: documents.config}, inventory, bill)
	if err != nil {
		return Result{}, false, nil // a fresh analysis says the same
	}
	return Result{Inventory: inventory, SBOM: bill, Version: a.version, Reused: true}, true, nil
}
