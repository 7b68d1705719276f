package activities

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// StreamState is how a worker's stream of one source does.
type StreamState struct {
	Source string
	// Event is when the stream was last opened or announced a change; zero if it never was.
	Event time.Time
	// Failing is since when it is not open; zero while it is, and before the first try.
	Failing time.Time
}

// Open reports whether the stream is open.
func (s StreamState) Open() bool { return !s.Event.IsZero() && s.Failing.IsZero() }

// StreamStates are those of all streams that a worker should have open. The zero value has
// none. All methods may be called at the same time.
type StreamStates struct {
	mu      sync.Mutex
	streams map[string]*StreamState
}

// All lists them by name.
func (s *StreamStates) All() (states []StreamState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, state := range s.streams {
		states = append(states, *state)
	}
	slices.SortFunc(states, func(a, b StreamState) int { return strings.Compare(a.Source, b.Source) })
	return states
}

// begin adds the state of a new stream, in place of that of an earlier one, which may not
// have ended yet.
func (s *StreamStates) begin(source string) *StreamState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams = map[string]*StreamState{}
	}
	state := &StreamState{Source: source}
	s.streams[source] = state
	return state
}

func (s *StreamStates) end(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, source)
}

func (s *StreamStates) opened(state *StreamState, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state.Event, state.Failing = now, time.Time{}
}

func (s *StreamStates) failed(state *StreamState, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state.Failing.IsZero() {
		state.Failing = now
	}
}
