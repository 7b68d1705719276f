package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

const (
	// interval is how often tags are checked, and the repository and the cluster listed.
	interval = 30 * time.Second
	// margin is for a machine with two cores that does other things besides.
	margin = 30 * time.Second
	// working is for an analysis, or for matching all packages with new data, on such a
	// machine.
	working = 45 * time.Second
	// begunAnew is when a step that was lost with its worker, or failed for what it
	// needs, has been begun again: workers are heard of every 30 seconds, and what
	// failed waits as long.
	begunAnew = time.Minute
	// longestWait is that of a step that keeps failing.
	longestWait = 5 * time.Minute
	// secondRetry is when a delivery that failed twice is sent again: after 5 seconds
	// and 5 minutes, each up to a fifth longer.
	secondRetry = (5*time.Second + 5*time.Minute) * 6 / 5
)

// bound is how long after its change a notification comes at the latest, while
// nothing that it needs is in trouble.
func (e expectation) bound() time.Duration {
	bound := margin
	if slices.Contains(e.causes, "image") {
		bound += interval
	}
	if e.listed {
		bound += interval
	}
	if e.analyzed() || slices.Contains(e.causes, "feed") {
		bound += working
	}
	return bound
}

// analyzed reports whether the notification follows an analysis.
func (e expectation) analyzed() bool {
	return slices.Contains(e.causes, "image") && e.kind != "tag_update" && e.kind != "repo_update" && e.kind != "runtime_update"
}

// needs reports whether the notification cannot come while a victim is away.
func (e expectation) needs(victim string) bool {
	switch victim {
	case analysis:
		return e.analyzed()
	case registry:
		return slices.Contains(e.causes, "image")
	case source:
		return slices.Contains(e.causes, "feed")
	case cluster:
		return e.listed
	}
	return true
}

// delivered reports whether a notification cannot be delivered, once it is recorded,
// while a victim is away.
func delivered(victim string) bool {
	return !slices.Contains([]string{analysis, registry, source, cluster}, victim)
}

// trouble is a time at which victims were away, or in which something happened to them.
type trouble struct {
	victims      []string
	began, ended time.Time
	// settled reports that everything expected has come since: no delivery waits for
	// another try any more.
	settled bool
}

// over is when nothing suffers from a trouble any more. The waits between the tries
// of what fails double: they are no longer than the trouble was.
func (t *trouble) over() time.Time {
	recovery := begunAnew + min(t.ended.Sub(t.began), longestWait)
	if !t.settled && (slices.Contains(t.victims, receiver) || slices.Contains(t.victims, refusing)) {
		recovery += secondRetry
	}
	return t.ended.Add(recovery)
}

// troubles are all so far.
type troubles struct {
	mu   sync.Mutex
	list []*trouble
}

// begin notes a trouble, which lasts until end is called.
func (t *troubles) begin(victims ...string) (end func()) {
	one := &trouble{victims: victims, began: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, one)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		one.ended = time.Now()
	}
}

// settle notes that everything has come that is expected.
func (t *troubles) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, each := range t.list {
		each.settled = each.settled || !each.ended.IsZero()
	}
}

// judge compares when something came with when it could begin to come: from its
// change on, or from the end of the last trouble that hit it. It may take until the
// limit.
func (t *troubles) judge(change, came time.Time, bound time.Duration, hit func(victim string) bool) (took, limit time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, until := change, change.Add(bound)
	for _, each := range t.list {
		if !slices.ContainsFunc(each.victims, hit) || each.began.After(came) {
			continue
		}
		if each.ended.IsZero() || each.ended.After(came) {
			return 0, bound // it came in the middle of it
		}
		over := each.over()
		if over.Before(change) {
			continue
		}
		if each.ended.After(from) {
			from = each.ended
		}
		if over = over.Add(bound); over.After(until) {
			until = over
		}
	}
	return max(0, came.Sub(from)), until.Sub(from)
}

// lateness is the worst of some notifications: what came closest to its limit.
type lateness struct {
	count int
	// After the change, and after it was recorded; each with what was allowed.
	took, limit           time.Duration
	delivery, deliveryMax time.Duration
}

// add takes one notification's, and reports whether it was late.
func (l *lateness) add(t *troubles, m met) (late bool) {
	l.count++
	took, limit := t.judge(*m.change, m.at, m.bound(), m.needs)
	if late = took > limit; closer(took, limit, l.took, l.limit) {
		l.took, l.limit = took, limit
	}
	took, limit = t.judge(m.created, m.at, margin, delivered)
	if closer(took, limit, l.delivery, l.deliveryMax) {
		l.delivery, l.deliveryMax = took, limit
	}
	return late || took > limit
}

// closer reports whether a time comes at least as close to its limit as another.
func closer(took, limit, other, otherLimit time.Duration) bool {
	return otherLimit == 0 || took.Seconds()*otherLimit.Seconds() >= other.Seconds()*limit.Seconds()
}

// join takes those of another run.
func (l *lateness) join(other lateness) {
	if l.count += other.count; other.count == 0 {
		return
	}
	if closer(other.took, other.limit, l.took, l.limit) {
		l.took, l.limit = other.took, other.limit
	}
	if closer(other.delivery, other.deliveryMax, l.delivery, l.deliveryMax) {
		l.delivery, l.deliveryMax = other.delivery, other.deliveryMax
	}
}

func (l lateness) String() string {
	if l.count == 0 {
		return "nothing to come"
	}
	return fmt.Sprintf("%s after the change (allowed: %s), %s of it for the delivery (%s)",
		seconds(l.took), seconds(l.limit), seconds(l.delivery), seconds(l.deliveryMax))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// summary is the worst lateness by fault, and how each took hold.
type summary struct {
	runs  map[string]int
	worst map[string]lateness
	did   map[string][]string
}

func newSummary() *summary {
	return &summary{runs: map[string]int{}, worst: map[string]lateness{}, did: map[string][]string{}}
}

func (s *summary) add(p plan, did string, worst lateness) {
	name := "none"
	if p.fault != nil {
		name = p.fault.kind
	}
	all := s.worst[name]
	all.join(worst)
	s.worst[name] = all
	s.runs[name]++
	if did != "" && !slices.Contains(s.did[name], did) {
		s.did[name] = append(s.did[name], did)
	}
}

func (s *summary) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FAULT\tRUNS\tNOTIFIED\tLATEST\tALLOWED\tDELIVERY\tALLOWED\tIT TOOK HOLD")
	for _, name := range slices.Sorted(maps.Keys(s.runs)) {
		worst := s.worst[name]
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", name, s.runs[name], worst.count, seconds(worst.took), seconds(worst.limit),
			seconds(worst.delivery), seconds(worst.deliveryMax), strings.Join(s.did[name], "; "))
	}
	_ = t.Flush() // to the terminal
}
