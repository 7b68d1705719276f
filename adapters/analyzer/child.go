package analyzer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// ChildArgument is the first argument with which the program is started as a
// child. A main function, and TestMain where tests analyze, begins with
//
//	if len(os.Args) > 1 && os.Args[1] == analyzer.ChildArgument {
//		os.Exit(analyzer.ChildMain(os.Args[2:]))
//	}
const ChildArgument = "analyze-image"

// maxResult bounds the SBOM and the inventory of a child, each.
const maxResult = 256 << 20

// ChildMain is the child's main function: it processes the request in the current
// folder and returns the exit status. It takes no arguments.
func ChildMain(args []string) int {
	if len(args) > 0 {
		fmt.Fprintln(os.Stderr, ChildArgument+" is for the worker's own use and takes no arguments")
		return 2
	}
	return inspect.Main()
}

// inspect runs the child on the linked layers and reads its results.
func (a *Analyzer) inspect(ctx context.Context, request Request, documents documents, folder string, progress *reporter) (Result, error) {
	work := filepath.Join(folder, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		return Result{}, fmt.Errorf("prepare image: %w", err)
	}
	limits := a.limits.ofChild()
	err := inspect.WriteJSON(work, inspect.RequestFile, inspect.Request{
		Name:     cmp.Or(request.Name, string(request.Digest)),
		Digest:   request.Digest,
		Manifest: documents.manifest,
		Config:   documents.config,
		Layers:   layersFolder(folder),
		Sums:     sumsFolder(folder),
		Content:  a.content,
		Limits:   limits,
		Version:  syftVersion(),
	})
	if err != nil {
		return Result{}, err
	}
	usage, err := a.sandbox.Run(ctx, sandbox.Command{Args: []string{ChildArgument}, Folder: work, Limits: limits, Line: progress.line})
	if errors.Is(err, sandbox.ErrReported) {
		err = inspect.ReadFailure(work)
	}
	if err != nil {
		return Result{}, err
	}
	result := Result{Version: a.version, Usage: Usage{CPU: usage.CPU, PeakMemory: usage.PeakMemory}}
	result.Inventory, result.SBOM, err = readResults(work)
	return result, err
}

// readResults does not trust the child, which has read the image.
func readResults(work string) (*sbom.Inventory, []byte, error) {
	bill, err := inspect.Read(work, inspect.SBOMFile, maxResult)
	if err != nil {
		return nil, nil, fmt.Errorf("result of the analysis: %w", err)
	}
	if !json.Valid(bill) {
		return nil, nil, fmt.Errorf("result of the analysis: the SBOM is not JSON: %w", errkind.Invalid)
	}
	var inventory sbom.Inventory
	if err := inspect.ReadJSON(work, inspect.InventoryFile, maxResult, &inventory); err != nil {
		return nil, nil, fmt.Errorf("result of the analysis: %w", err)
	}
	return &inventory, bill, nil
}
