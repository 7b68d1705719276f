package analyzer

import (
	"encoding/json"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
)

// Progress is the state of a running analysis.
type Progress struct {
	Stage      string // for people: StageFetch, then those of the child
	Layers     int    // of the image
	LayersDone int    // fetched, or found in the store
	Fetched    int64  // bytes of layers transferred
	Packages   int    // found so far
}

// The first stages, in the worker.
const (
	StageFetch  = "fetching layers"
	StageDigest = "digesting files"
)

// reporter collects progress from several sources for one listener.
type reporter struct {
	listener func(Progress)
	mu       sync.Mutex
	last     Progress
}

func (r *reporter) update(change func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.last)
	if r.listener != nil {
		r.listener(r.last)
	}
}

// line reads a line of the child's output, and ignores one without progress.
func (r *reporter) line(text []byte) {
	var child inspect.Progress
	if json.Unmarshal(text, &child) == nil {
		r.update(func(p *Progress) { p.Stage, p.Packages = child.Stage, child.Packages })
	}
}
