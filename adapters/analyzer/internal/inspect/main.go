package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sandbox"
	"github.com/tagwatch/tagwatch/adapters/analyzer/landlock"
)

const maxRequest = 64 << 20

// Main carries out the request in the current folder and returns the process's
// exit status.
func Main() int {
	if err := carryOut("."); err != nil {
		if err := writeFailure(".", err); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return sandbox.ExitReported
	}
	return 0
}

func carryOut(folder string) error {
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
	return inspect(context.Background(), folder, request, &teller{})
}

// inspect takes the three views of one image: packages, configuration, files.
func inspect(ctx context.Context, folder string, request Request, tell *teller) error {
	search, err := newSearch(request.Content)
	if err != nil {
		return err
	}
	tell.stage(StageIndex)
	opened, err := open(ctx, request)
	if err != nil {
		return err
	}
	tell.stage(StageCatalog)
	bill, found, err := catalog(ctx, opened, request, tell)
	if err != nil {
		return err
	}
	if err := writeSBOM(folder, bill); err != nil {
		return err
	}
	tell.stage(StageFiles)
	inventory := describe(opened, request, bill)
	inventory.Unreadable = found.unreadableOf(bill)
	if err := opened.readFiles(inventory, search); err != nil {
		return err
	}
	tell.stage(StageWrite)
	return WriteJSON(folder, InventoryFile, inventory)
}

// teller writes progress to the standard output, a JSON document a line.
type teller struct {
	mu   sync.Mutex
	last Progress
}

func (t *teller) stage(name string) { t.tell(func(p *Progress) { p.Stage = name }) }

func (t *teller) packages(n int) { t.tell(func(p *Progress) { p.Packages = n }) }

// tell changes the progress and writes it if that made a difference. A parent
// that does not listen is no reason to stop.
func (t *teller) tell(change func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.last
	if change(&t.last); t.last != before {
		_ = json.NewEncoder(os.Stdout).Encode(t.last)
	}
}
