package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/anchore/syft/syft/cataloging"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/licenses"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/adapters/analyzer/landlock"
)

const maxSetup = 1 << 20

// Main inspects one image in the current folder, and returns the process's exit
// status. It gets ready, then waits for the request on the standard input.
func Main() int {
	if err := process("."); err != nil {
		if err := writeFailure(".", err); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return sandbox.ExitReported
	}
	return 0
}

func process(folder string) error {
	var setup Setup
	if err := ReadJSON(folder, SetupFile, maxSetup, &setup); err != nil {
		return err
	}
	report := func(err error) { _ = writeFailure(folder, err) } // without it, the parent sees a crash
	if err := sandbox.Enter(setup.Limits, report); err != nil {
		return err
	}
	if err := landlock.Raise(setup.Folder); err != nil {
		return err
	}
	if setup.WriteLicenses {
		return licenses.Write(filepath.Join(folder, LicensesFile))
	}
	inspector, err := newInspector(setup)
	if err != nil {
		return err
	}
	var request Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if err := sandbox.Begin(setup.Limits); err != nil {
		return err
	}
	return explain(inspector.inspect(folder, request, &reporter{}), setup.Limits)
}

// inspector is what an inspection needs that does not depend on the image.
type inspector struct {
	limits  sandbox.Limits
	search  *search
	version string // of the syft library
}

func newInspector(setup Setup) (*inspector, error) {
	search, err := newSearch(setup.Content)
	if err != nil {
		return nil, err
	}
	return &inspector{limits: setup.Limits, search: search, version: setup.Version}, nil
}

// explain names the limit that an error of a system call met.
func explain(err error, limits sandbox.Limits) error {
	for _, errno := range sandbox.Shortages {
		if errors.Is(err, errno) {
			return sandbox.Shortage(errno, limits)
		}
	}
	return err
}

// inspect takes the three views of one image: packages, configuration, files.
func (i *inspector) inspect(folder string, request Request, progress *reporter) error {
	ctx, err := licenses.Use(context.Background(), request.Licenses, cataloging.DefaultLicenseConfig().Coverage)
	if err != nil {
		return err
	}
	progress.stage(StageIndex)
	opened, err := open(ctx, request)
	if err != nil {
		return err
	}
	progress.stage(StageCatalog)
	bill, found, err := i.catalog(ctx, opened, request, progress)
	if err != nil {
		return err
	}
	if err := writeSBOM(folder, bill); err != nil {
		return err
	}
	progress.stage(StageFiles)
	inventory := describe(opened, request, bill)
	inventory.Unreadable = found.unreadableOf(bill)
	if err := opened.readFiles(inventory, i.search); err != nil {
		return err
	}
	progress.stage(StageWrite)
	return WriteJSON(folder, InventoryFile, inventory)
}

// reporter writes progress to the standard output, a JSON document a line.
type reporter struct {
	mu   sync.Mutex
	last Progress
}

func (r *reporter) stage(name string) { r.update(func(p *Progress) { p.Stage = name }) }

func (r *reporter) packages(n int) { r.update(func(p *Progress) { p.Packages = n }) }

// update changes the progress and writes it if it differs. The child goes on when
// the parent does not read it.
func (r *reporter) update(change func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.last
	if change(&r.last); r.last != before {
		_ = json.NewEncoder(os.Stdout).Encode(r.last)
	}
}
