package analyzer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/licenses"
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

// ChildMain is the child's main function: it waits for one image, inspects it, and
// returns the exit status. It takes no arguments.
func ChildMain(args []string) int {
	if len(args) > 0 {
		fmt.Fprintln(os.Stderr, ChildArgument+" is for the worker's own use and takes no arguments")
		return 2
	}
	return inspect.Main()
}

// inspect hands the linked layers to the child and reads its results.
func (a *Analyzer) inspect(ctx context.Context, request Request, documents documents, folder string, child *child, scanner licenses.File, progress *reporter) (Result, error) {
	image, err := child.give(folder)
	if err != nil {
		return Result{}, err
	}
	if scanner, err = linkScanner(scanner, image); err != nil {
		return Result{}, err
	}
	text, err := json.Marshal(inspect.Request{
		Name:     cmp.Or(request.Name, string(request.Digest)),
		Digest:   request.Digest,
		Manifest: documents.manifest,
		Config:   documents.config,
		Layers:   layersFolder(image),
		Sums:     sumsFolder(image),
		Licenses: scanner,
	})
	if err != nil {
		return Result{}, fmt.Errorf("prepare image: %w", err)
	}
	usage, err := a.run(ctx, child, text, progress)
	if errors.Is(err, sandbox.ErrReported) {
		err = inspect.ReadFailure(child.work())
	}
	if err != nil {
		return Result{}, err
	}
	result := Result{Version: a.version, Usage: Usage{CPU: usage.CPU, PeakMemory: usage.PeakMemory}}
	result.Inventory, result.SBOM, err = readResults(child.work())
	return result, err
}

// run gives the child its request. If it is killed while it waits, as the first victim
// when memory runs out, that says nothing of the image: another one takes its place.
func (a *Analyzer) run(ctx context.Context, child *child, request []byte, progress *reporter) (sandbox.Usage, error) {
	begun := false
	line := func(text []byte) { begun = true; progress.line(text) }
	usage, err := child.process.Run(ctx, request, line)
	if begun || !errors.Is(err, errkind.Unavailable) {
		return usage, err
	}
	if child.process, err = a.sandbox.Start(a.command(child.work())); err != nil {
		return sandbox.Usage{}, err
	}
	return child.process.Run(ctx, request, line)
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
