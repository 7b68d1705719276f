package analyzer

import (
	"encoding/json"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
)

// Progress is what an analysis is at.
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

// teller collects progress from several sources for one listener.
type teller struct {
	listener func(Progress)
	mu       sync.Mutex
	last     Progress
}

func (t *teller) tell(change func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.last)
	if t.listener != nil {
		t.listener(t.last)
	}
}

// line takes a line of the child's output. One that is no progress is ignored.
func (t *teller) line(text []byte) {
	var notified inspect.Progress
	if json.Unmarshal(text, &notified) != nil {
		return
	}
	t.tell(func(p *Progress) { p.Stage, p.Packages = notified.Stage, notified.Packages })
}
