package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/adapters/analyzer/landlock"
)

const maxRequest = 64 << 20

// Main processes the request in the current folder and returns the process's exit
// status.
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
	var request Request
	if err := ReadJSON(folder, RequestFile, maxRequest, &request); err != nil {
		return err
	}
	report := func(err error) { _ = writeFailure(folder, err) } // without it, the parent sees a crash
	if err := sandbox.Enter(request.Limits, report); err != nil {
		return err
	}
	if err := landlock.Raise(request.Layers, request.Sums); err != nil {
		return err
	}
	return explain(inspect(context.Background(), folder, request, &reporter{}), request.Limits)
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
func inspect(ctx context.Context, folder string, request Request, progress *reporter) error {
	search, err := newSearch(request.Content)
	if err != nil {
		return err
	}
	progress.stage(StageIndex)
	opened, err := open(ctx, request)
	if err != nil {
		return err
	}
	progress.stage(StageCatalog)
	bill, found, err := catalog(ctx, opened, request, progress)
	if err != nil {
		return err
	}
	if err := writeSBOM(folder, bill); err != nil {
		return err
	}
	progress.stage(StageFiles)
	inventory := describe(opened, request, bill)
	inventory.Unreadable = found.unreadableOf(bill)
	if err := opened.readFiles(inventory, search); err != nil {
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
