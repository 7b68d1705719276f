package notification

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Debounce finds changes that cancel out within the window: notifications of one type
// about one subject, in order of time, after which the subject is as it was before the
// first of them. A receiver that gets none of them has a true picture, and the others
// still follow from each other.
//
// Examples are a tag that moved from A to B and back, a status that went from pass to
// fail to pass, and vulnerabilities that came and went. Notifications of other types
// report events, not states, and are never debounced.
func Debounce(window time.Duration, notifications []Notification) (loops [][]Notification) {
	tracks := map[[2]string]*track{}
	for _, n := range notifications {
		key := [2]string{string(n.Type), n.Subject}
		if tracks[key] == nil {
			tracks[key] = &track{window: window, lasting: lasting{}}
		}
		if loop := tracks[key].add(n); len(loop) > 0 {
			loops = append(loops, loop)
		}
	}
	return loops
}

type track struct {
	window  time.Duration
	path    []step
	at      string  // state of the subject
	lasting lasting // for types that report differences
}

type step struct {
	before string // state of the subject
	sent   Notification
}

// add returns the loop that the notification closes, if any. One whose states cannot be
// read, or do not follow from those before, begins a new path.
func (t *track) add(n Notification) (loop []Notification) {
	before, after, ok := t.change(n)
	ok = ok && before != after
	if !ok || before != t.at {
		t.path = nil
	}
	t.at = after
	if !ok {
		return nil
	}
	t.path = append(t.path, step{before, n})
	from := slices.IndexFunc(t.path, func(s step) bool {
		return s.before == after && n.Created.Sub(s.sent.Created) <= t.window
	})
	if from < 0 {
		return nil
	}
	for _, s := range t.path[from:] {
		loop = append(loop, s.sent)
	}
	t.path = t.path[:from]
	return loop
}

// change is the state of the subject before and after, as texts to compare; false if the
// notification does not say.
func (t *track) change(n Notification) (before, after string, ok bool) {
	switch n.Type {
	case TagUpdate:
		return stateChange(n, func(s reported) string { return s.ImageDigest })
	case PolicyEval:
		return stateChange(n, func(s reported) string { return s.FinalAction })
	case VulnUpdate:
		before = t.lasting.sum()
		ok = t.lasting.apply(n)
		return before, t.lasting.sum(), ok
	}
	return "", "", false
}

// reported is the state of a subject in a payload.
type reported struct {
	ImageDigest string `json:"imageDigest"`
	FinalAction string `json:"final_action"`
}

func stateChange(n Notification, state func(reported) string) (before, after string, ok bool) {
	var payload struct {
		reported
		Previous reported `json:"previous"`
	}
	if json.Unmarshal(n.Payload, &payload) != nil {
		return "", "", false
	}
	before, after = state(payload.Previous), state(payload.reported)
	return before, after, before != "" && after != ""
}

// lasting are the vulnerabilities by which a list differs from the first one of a
// track, each as a text: how often it came more than it went. A receiver whose filter
// drops the one or the other may get the same twice in a row.
type lasting map[string]int

// apply adds a difference; false, and nothing changes, if it cannot be read.
func (l lasting) apply(n Notification) bool {
	var payload struct {
		Difference struct {
			Added, Updated, Removed []record
			NotCovered              []record `json:"not_covered"`
		} `json:"diff_vulnerability_result"`
		Coverage vuln.Coverage
		Previous struct{ Coverage vuln.Coverage }
	}
	if json.Unmarshal(n.Payload, &payload) != nil {
		return false
	}
	for _, r := range payload.Difference.Added {
		l.count(r, 1)
	}
	for _, r := range slices.Concat(payload.Difference.Removed, payload.Difference.NotCovered) {
		l.count(r, -1)
	}
	if missing := payload.Coverage.Missing(); missing != payload.Previous.Coverage.Missing() {
		l.add("coverage", map[bool]int{true: 1, false: -1}[missing])
	}
	for _, r := range payload.Difference.Updated {
		l.count(r, 1)
		if r.Previous != nil {
			r.naming, r.rating = r.Previous.naming, r.Previous.rating
			l.count(r, -1)
		}
	}
	return true
}

// count notes that a vulnerability came or went; both cancel out.
func (l lasting) count(r record, by int) {
	r.Previous, r.Changes, r.Aliases, r.URL, r.Exploitation = nil, nil, nil, "", nil // which do not matter here
	text, _ := json.Marshal(r)                                                       // it was read from such a text
	l.add(string(text), by)
}

func (l lasting) add(text string, by int) {
	if l[text] += by; l[text] == 0 {
		delete(l, text)
	}
}

func (l lasting) sum() string {
	hash := sha256.New()
	for _, text := range slices.Sorted(maps.Keys(l)) {
		fmt.Fprintln(hash, l[text], text)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
