package up

import (
	"bytes"
	"context"
	"encoding/json"
	"sync/atomic"
)

// announcement is the line that a program prints when it is ready. It comes from the process
// itself, because another process may have the address.
type announcement struct {
	Address   string `json:"address"`
	UI        string `json:"ui"`
	Namespace string `json:"namespace"`
	PID       int    `json:"pid"`
}

// announcer waits for the announcement of a program, anew for each process.
type announcer struct {
	last atomic.Pointer[announcement] // nil before the first
	next chan announcement
}

// output is the standard output of the process that is started next.
func (a *announcer) output() *announcements {
	a.next = make(chan announcement, 1)
	return &announcements{to: a.next}
}

// await calls ready when the process announced itself.
func (a *announcer) await(ctx context.Context, ready func()) {
	select {
	case <-ctx.Done():
	case announced := <-a.next:
		a.last.Store(&announced)
		ready()
	}
}

// announcements reads the lines of one process; the first that is an
// announcement is passed on.
type announcements struct {
	to   chan<- announcement
	line bytes.Buffer
	done bool
}

func (a *announcements) Write(p []byte) (int, error) {
	if a.done {
		return len(p), nil
	}
	a.line.Write(p)
	for {
		line, err := a.line.ReadBytes('\n')
		if err != nil {
			a.line.Write(line) // not complete yet
			return len(p), nil
		}
		var found announcement
		if json.Unmarshal(line, &found) == nil && found.Address != "" {
			a.to <- found
			a.done = true
			return len(p), nil
		}
	}
}
