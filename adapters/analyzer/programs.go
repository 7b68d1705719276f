package analyzer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/source"
	"github.com/anchore/syft/syft/source/directorysource"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// DescribePrograms writes the SBOM of the Go programs in a directory, from what
// the linker left in them, in one of the Forms. Name and version are those of the
// product that they make up. Unless at is zero, the SBOM says that it was made then,
// and the same programs give the same bytes.
func DescribePrograms(ctx context.Context, w io.Writer, directory, name, version, form string, at time.Time) error {
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
	if at.IsZero() {
		return encoder.Encode(w, *bill)
	}
	var document bytes.Buffer
	if err := encoder.Encode(&document, *bill); err != nil {
		return fmt.Errorf("write the SBOM as %s: %w", form, err)
	}
	return dated(w, document.Bytes(), at)
}

// dated writes an SBOM in one of the Forms as one of that time, with an identifier
// that depends on its content only.
func dated(w io.Writer, document []byte, at time.Time) error {
	var bill map[string]any
	if err := json.Unmarshal(document, &bill); err != nil {
		return fmt.Errorf("date the SBOM: %w", err)
	}
	stamp := at.UTC().Format(time.RFC3339)
	delete(bill, "serialNumber") // of CycloneDX, where it may be missing
	if metadata, found := bill["metadata"].(map[string]any); found {
		metadata["timestamp"] = stamp
		if component, found := metadata["component"].(map[string]any); found {
			delete(component, "bom-ref") // it depends on the folder, and nothing refers to it
		}
	}
	if creation, found := bill["creationInfo"].(map[string]any); found {
		creation["created"] = stamp
		bill["documentNamespace"] = ""
		content, err := json.Marshal(bill)
		if err != nil {
			return fmt.Errorf("date the SBOM: %w", err)
		}
		bill["documentNamespace"] = fmt.Sprintf("https://github.com/tagwatch/tagwatch/sbom/%x", sha256.Sum256(content))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(bill)
}
