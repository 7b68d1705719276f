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

// Debounce finds what led back to where it began: notifications of one type about one
// subject, in the order in which things happened, at whose end the subject is as
// it was before the first of them, and all of them within the window. Telling
// none of them leaves a receiver with a true picture; what remains of the others
// still follows one from the other.
//
// A tag that moved from A to B and back is such a loop, as are a status that went
// from pass to fail to pass, and vulnerabilities that came and went. Other types
// tell what was done, not how something is, and are never debounced.
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

// track is what happened to one subject, without the loops.
type track struct {
	window  time.Duration
	path    []step
	at      string  // how the subject is
	lasting lasting // for types that tell differences
}

// step is a notification, and how its subject was before.
type step struct {
	before   string
	notified Notification
}

// add goes on with a notification and returns the loop that it closes, if any. One
// that tells nothing of how the subject is, or does not follow from the one
// before, is where a new path begins.
func (t *track) add(n Notification) (loop []Notification) {
	before, after, known := t.change(n)
	known = known && before != after
	if !known || before != t.at {
		t.path = nil
	}
	t.at = after
	if !known {
		return nil
	}
	t.path = append(t.path, step{before, n})
	from := slices.IndexFunc(t.path, func(s step) bool {
		return s.before == after && n.Created.Sub(s.notified.Created) <= t.window
	})
	if from < 0 {
		return nil
	}
	for _, s := range t.path[from:] {
		loop = append(loop, s.notified)
	}
	t.path = t.path[:from]
	return loop
}

// change is how a subject was before and is after, as texts to be compared; false
// for what tells nothing of that.
func (t *track) change(n Notification) (before, after string, known bool) {
	switch n.Type {
	case TagUpdate:
		return stateChange(n, func(s notified) string { return s.ImageDigest })
	case PolicyEval:
		return stateChange(n, func(s notified) string { return s.FinalAction })
	case VulnUpdate:
		before = t.lasting.sum()
		known = t.lasting.apply(n)
		return before, t.lasting.sum(), known
	}
	return "", "", false
}

// notified is what a payload says of how its subject is.
type notified struct {
	ImageDigest string `json:"imageDigest"`
	FinalAction string `json:"final_action"`
}

func stateChange(n Notification, state func(notified) string) (before, after string, known bool) {
	var payload struct {
		notified
		Previous notified `json:"previous"`
	}
	if json.Unmarshal(n.Payload, &payload) != nil {
		return "", "", false
	}
	before, after = state(payload.Previous), state(payload.notified)
	return before, after, before != "" && after != ""
}

// lasting are the vulnerabilities by which a list differs from the first one of
// a track: added ones, and removed ones, each as a text.
type lasting map[string]bool

// apply takes a difference in; false, and nothing changes, if it cannot be read.
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
	for _, r := range slices.Concat(payload.Difference.Added, payload.Difference.Removed, payload.Difference.NotCovered) {
		l.toggle(r)
	}
	if payload.Coverage.Missing() != payload.Previous.Coverage.Missing() {
		l.flip("coverage")
	}
	for _, r := range payload.Difference.Updated {
		l.toggle(r)
		if r.Previous != nil {
			r.naming, r.rating = r.Previous.naming, r.Previous.rating
			l.toggle(r)
		}
	}
	return true
}

// toggle notes that a vulnerability came or went: once each is as if neither had.
func (l lasting) toggle(r record) {
	r.Previous, r.Changes, r.Aliases, r.URL = nil, nil, nil, "" // what else is said of it makes no difference
	text, _ := json.Marshal(r)                                  // it was read from such a text
	l.flip(string(text))
}

func (l lasting) flip(text string) {
	if l[text] {
		delete(l, text)
		return
	}
	l[text] = true
}

// sum is equal for equal differences.
func (l lasting) sum() string {
	hash := sha256.New()
	for _, text := range slices.Sorted(maps.Keys(l)) {
		fmt.Fprintln(hash, text)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
