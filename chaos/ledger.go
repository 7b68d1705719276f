package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// expectation is one notification that must come, once.
type expectation struct {
	kind, key string
	causes    []string // any of them
	// Before and after are digests, states of the policy or new tags; empty for
	// what is not checked.
	before, after string
	// listed reports that it follows a reading of the cluster.
	listed bool
	// change is when it was caused; zero while its command runs.
	change *time.Time
}

func (e expectation) of(kind string) expectation    { e.kind = kind; return e }
func (e expectation) from(value string) expectation { e.before = value; return e }
func (e expectation) to(value string) expectation   { e.after = value; return e }

func (e expectation) String() string {
	return fmt.Sprintf("%s of %s, cause %s, %q -> %q", e.kind, e.key, strings.Join(e.causes, " or "), e.before, e.after)
}

// fact is what one notification says happened, and when it was recorded.
type fact struct {
	id, kind, key, cause, before, after string
	created                             time.Time
}

// arrival is a fact that came.
type arrival struct {
	fact
	at time.Time
}

// met is an expectation with what came.
type met struct {
	expectation
	created, at time.Time
}

func (f fact) String() string {
	return fmt.Sprintf("%s of %s, cause %s, %q -> %q (id %s)", f.kind, f.key, f.cause, f.before, f.after, f.id)
}

func (f fact) meets(e expectation) bool {
	return f.kind == e.kind && f.key == e.key && slices.Contains(e.causes, f.cause) &&
		(e.before == "" || f.before == e.before) && (e.after == "" || f.after == e.after)
}

// ledger holds what was caused against what the receiver got, and when.
type ledger struct {
	receiver *lab.Receiver
	troubles troubles

	mu       sync.Mutex
	expected []expectation
	arrivals []arrival // not accounted for yet
	notified map[string]fact
	read     int // requests of the receiver so far
	repeated int // of them with an id that had come before
	met      []met
}

func newLedger(receiver *lab.Receiver) *ledger {
	return &ledger{receiver: receiver, notified: map[string]fact{}}
}

// expect adds notifications that must come. They are caused now unless they say when.
func (l *ledger) expect(list ...expectation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, e := range list {
		if e.change == nil {
			e.change = &now
		}
		l.expected = append(l.expected, e)
	}
}

const (
	// patience is how long a run waits for the last notification: a step of a
	// worker that was killed is begun anew within a minute, and what a receiver did
	// not take twice is sent again after up to six.
	patience = 9 * time.Minute
	// quiet is how long a run waits for what should not come.
	quiet = 2 * time.Second
)

// settle waits until everything that is expected has come, and makes sure that
// nothing else did, and nothing late.
func (l *ledger) settle(ctx context.Context) error {
	deadline := time.After(patience)
	var calm <-chan time.Time
	for {
		missing, err := l.account()
		switch {
		case err != nil:
			return err
		case missing > 0:
			calm = nil
		case calm == nil:
			calm = time.After(quiet)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return l.report()
		case <-calm:
			return l.report()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// account crosses off what came and reports how much is missing.
func (l *ledger) account() (missing int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hooks := l.receiver.All()
	for _, hook := range hooks[l.read:] {
		if hook.Status >= http.StatusMultipleChoices {
			continue // refused: it has to come again
		}
		if err := l.take(hook); err != nil {
			return 0, err
		}
	}
	l.read = len(hooks)
	l.arrivals = slices.DeleteFunc(l.arrivals, l.cross)
	return len(l.expected), nil
}

// take reads a request. One whose id had come before must say the same.
func (l *ledger) take(hook lab.Hook) error {
	facts, err := factsOf(hook)
	if err != nil {
		return err
	}
	for _, f := range facts {
		name := f.id + " " + f.after
		before, known := l.notified[name]
		if known && before != f {
			return fmt.Errorf("one id came with two contents:\n  %s\n  %s", before, f)
		}
		if known {
			l.repeated++
			continue
		}
		l.notified[name] = f
		l.arrivals = append(l.arrivals, arrival{f, hook.At})
	}
	return nil
}

// cross takes what came off the list of what is expected.
func (l *ledger) cross(a arrival) bool {
	at := slices.IndexFunc(l.expected, a.meets)
	if at < 0 {
		return false
	}
	l.met = append(l.met, met{l.expected[at], a.created, a.at})
	l.expected = slices.Delete(l.expected, at, at+1)
	return true
}

// report is an error if the two sides differ.
func (l *ledger) report() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, e := range l.expected {
		lines = append(lines, "missing:    "+e.String())
	}
	for _, a := range l.arrivals {
		lines = append(lines, "unexpected: "+a.String())
	}
	for _, m := range l.met {
		if worst := (lateness{}); worst.add(&l.troubles, m) {
			lines = append(lines, fmt.Sprintf("late:       %s: %s", m, worst))
		}
	}
	if lines == nil {
		return nil
	}
	return fmt.Errorf("the ledger does not balance:\n%s", strings.Join(lines, "\n"))
}

// counts are how late what came since the last call was, and how much of it was
// repeated.
func (l *ledger) counts() (worst lateness, repeated int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.met {
		worst.add(&l.troubles, m)
	}
	if len(l.expected) == 0 {
		l.troubles.settle()
	}
	repeated = l.repeated
	l.met, l.repeated = nil, 0
	return worst, repeated
}

// payload is what the ledger reads of a body.
type payload struct {
	Key     string          `json:"subscription_key"`
	Cause   string          `json:"cause"`
	Last    json.RawMessage `json:"last_eval"`
	Current json.RawMessage `json:"curr_eval"`
	NewTags []string        `json:"new_tags"`
}

// factsOf reads a body. A repository's notification is a fact for each new tag:
// how many it tells together is chance.
func factsOf(hook lab.Hook) ([]fact, error) {
	var body struct {
		ID      string `json:"dataId"`
		Kind    string `json:"queueId"`
		Created int64  `json:"created_at"`
		Data    struct {
			Payload payload `json:"notification_payload"`
		}
	}
	if err := json.Unmarshal(hook.Body, &body); err != nil {
		return nil, fmt.Errorf("read a webhook: %w", err)
	}
	p := body.Data.Payload
	f := fact{id: body.ID, kind: body.Kind, key: p.Key, cause: p.Cause, before: outcome(p.Last), after: outcome(p.Current),
		created: time.Unix(body.Created, 0)}
	if f.kind != "repo_update" {
		return []fact{f}, nil
	}
	var facts []fact
	for _, tag := range p.NewTags {
		f.after = tag
		facts = append(facts, f)
	}
	return facts, nil
}

// outcome is the digest that a tag pointed to, or the state of the policy.
func outcome(evaluation json.RawMessage) string {
	var digests []string
	if json.Unmarshal(evaluation, &digests) == nil && len(digests) == 1 {
		return digests[0]
	}
	var evaluated struct{ Status string }
	_ = json.Unmarshal(evaluation, &evaluated) // other types have none
	return evaluated.Status
}
