package lab

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Hook is one request that reached a [Receiver].
type Hook struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
	At     time.Time // when its body was read
	Status int       // that it was answered with, if nothing went wrong before
}

// Receiver is a webhook receiver that keeps every request, even those that it
// answers with an error or not at all.
type Receiver struct {
	*Server
	*Faults

	mu       sync.Mutex
	hooks    []Hook
	next     int   // index of the hook that Next returns
	answers  []int // status codes for the next requests, in order
	fallback int   // status code once answers are used up
	refuse   func(Hook) int
	arrived  chan struct{}
}

// NewReceiver starts a receiver that answers 200.
func NewReceiver() (*Receiver, error) {
	r := &Receiver{Faults: &Faults{}, fallback: http.StatusOK, arrived: make(chan struct{})}
	server, err := Serve(http.HandlerFunc(r.receive))
	if err != nil {
		return nil, fmt.Errorf("start receiver: %w", err)
	}
	r.Server = server
	return r, nil
}

// Answer sets the status codes of the next requests, one each. After them the
// receiver goes back to its usual answer.
func (r *Receiver) Answer(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = append(r.answers, statuses...)
}

// AnswerAlways sets the usual answer and forgets the codes that [Receiver.Answer]
// had left.
func (r *Receiver) AnswerAlways(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers, r.fallback = nil, status
}

// Refuse makes the receiver answer a request with the status that the function
// returns for it, unless that is 0.
func (r *Receiver) Refuse(status func(Hook) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = status
}

// All returns the requests so far, in order of arrival.
func (r *Receiver) All() []Hook {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.hooks)
}

// Next returns each request once, in order, and waits for the next one if
// necessary.
func (r *Receiver) Next(ctx context.Context) (hook Hook, err error) {
	err = r.await(ctx, func() bool {
		if r.next == len(r.hooks) {
			return false
		}
		hook = r.hooks[r.next]
		r.next++
		return true
	})
	if err != nil {
		return Hook{}, fmt.Errorf("wait for the next webhook: %w", err)
	}
	return hook, nil
}

// WaitFor returns the requests so far as soon as there are at least n.
func (r *Receiver) WaitFor(ctx context.Context, n int) ([]Hook, error) {
	err := r.await(ctx, func() bool { return len(r.hooks) >= n })
	hooks := r.All()
	if err != nil {
		return hooks, fmt.Errorf("wait for %d webhooks, %d arrived: %w", n, len(hooks), err)
	}
	return hooks, nil
}

// await waits until done, which it calls under the lock, is true.
func (r *Receiver) await(ctx context.Context, done func() bool) error {
	for {
		r.mu.Lock()
		ended, arrived := done(), r.arrived
		r.mu.Unlock()
		if ended {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Forget drops the received requests, so that counting starts anew.
func (r *Receiver) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooks, r.next = nil, 0
}

// receive keeps a request before any fault can hit it, then answers.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	status := r.keep(Hook{Method: req.Method, Path: req.URL.Path, Header: req.Header.Clone(), Body: body, At: time.Now()})
	r.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })).ServeHTTP(w, req)
}

// keep adds a request and returns the status code to answer it with.
func (r *Receiver) keep(hook Hook) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	hook.Status = r.fallback
	if len(r.answers) > 0 {
		hook.Status, r.answers = r.answers[0], r.answers[1:]
	}
	if r.refuse != nil {
		hook.Status = cmp.Or(r.refuse(hook), hook.Status)
	}
	r.hooks = append(r.hooks, hook)
	close(r.arrived)
	r.arrived = make(chan struct{})
	return hook.Status
}
