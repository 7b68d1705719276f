package analyzer

import (
	"context"
	"fmt"
	"io"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/source"
	"github.com/anchore/syft/syft/source/directorysource"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// DescribePrograms writes the SBOM of the Go programs in a directory, from what
// the linker left in them, in one of the Forms. Name and version are those of the
// product that they make up.
func DescribePrograms(ctx context.Context, w io.Writer, directory, name, version, form string) error {
	encoder, err := encoderOf(form)
	if err != nil {
		return err
	}
	programs, err := directorysource.New(directorysource.Config{Path: directory, Alias: source.Alias{Name: name, Version: version}})
	if err != nil {
		return fmt.Errorf("read the programs in %s: %w: %w", directory, errkind.Invalid, err)
	}
	defer programs.Close()
	config := syft.DefaultCreateSBOMConfig().WithoutFiles().WithTool("tagwatch-worker", version).
		WithCatalogerSelection(cataloging.NewSelectionRequest().WithDefaults("go-module-binary-cataloger"))
	bill, err := syft.CreateSBOM(ctx, programs, config)
	if err != nil {
		return fmt.Errorf("read the programs in %s: %w", directory, err)
	}
	if bill.Artifacts.Packages.PackageCount() == 0 {
		return fmt.Errorf("no Go program in %s: %w", directory, errkind.NotFound)
	}
	return encoder.Encode(w, *bill)
}
