package workload

import (
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Update is that a workload starts to run another image.
type Update struct {
	Key
	Target image.Target
	// Before are the images that it ran until now, or still runs beside; After is the new
	// one.
	Before []image.Digest
	After  image.Digest
	// Age says whether the tag points to After.
	Age Age
}

const (
	// settled is how long an image has to be gone for a roll-out to be over. Within that
	// time its return is not news: replicas come and go while a workload is rolled out.
	settled = 10 * time.Minute
	// remembered is how long the last image of a workload that runs nothing is kept, to
	// compare the next one with.
	remembered = 7 * 24 * time.Hour
)

// Follow compares the rows of a source with what it lists now: the rows to store and what
// started. A workload that was not listed before starts nothing, however many containers
// it has, and each image of a workload counts once until its roll-out is over. If that
// ends with another image than the one that was notified last, the workload is back at
// that one, which is an update too.
func Follow(before, listed []Row, now time.Time) (after []Row, updates []Update) {
	past, present := byKey(before), byKey(listed)
	for _, key := range keysOf(past, present) {
		w := workload{past: past[key], present: present[key], now: now}
		w.follow()
		after, updates = append(after, w.after...), append(updates, w.updates...)
	}
	return after, updates
}

// workload is one key while it is compared.
type workload struct {
	past, present, after []Row
	updates              []Update
	now                  time.Time
}

func (w *workload) follow() {
	for _, row := range w.present {
		row.Gone, row.Notified = time.Time{}, w.notified(row)
		if id := row.identity(); id != "" && w.remembers() && !has(w.past, id) {
			w.start(&row, w.ran(id))
		}
		w.after = append(w.after, row)
	}
	for _, row := range w.past {
		if row.Gone.IsZero() {
			row.Count, row.Gone = 0, w.now
		}
		switch {
		case has(w.present, row.identity()) || row.identity() == "":
		case !w.forgets(row):
			w.after = append(w.after, row)
		case row.Notified:
			w.backTo(row.identity())
		}
	}
}

// remembers reports whether anything is known of what the workload ran.
func (w *workload) remembers() bool {
	return slices.ContainsFunc(w.past, func(r Row) bool { return r.identity() != "" })
}

// notified reports whether the last update was about the image of the row.
func (w *workload) notified(row Row) bool {
	return slices.ContainsFunc(w.past, func(r Row) bool { return r.Notified && r.identity() == row.identity() })
}

// forgets reports whether a row of the past is no longer of use.
func (w *workload) forgets(row Row) bool {
	gone := w.now.Sub(row.Gone)
	runs := slices.ContainsFunc(w.present, func(r Row) bool { return r.identity() != "" })
	return runs && gone >= settled || gone >= remembered
}

// start notes that a row is of an image that the workload did not run.
func (w *workload) start(row *Row, before []image.Digest) {
	again := slices.ContainsFunc(w.updates, func(u Update) bool { return u.After == row.identity() })
	for i := range w.after {
		w.after[i].Notified = w.after[i].identity() == row.identity()
	}
	row.Notified = true
	for i := range w.past {
		w.past[i].Notified = false
	}
	if !again {
		w.updates = append(w.updates, Update{Key: row.Key, Target: row.Target, Before: before, After: row.identity(), Age: Unknown})
	}
}

// backTo notes that the image that was notified last is gone for good.
func (w *workload) backTo(left image.Digest) {
	if len(w.present) == 0 || slices.ContainsFunc(w.present, func(r Row) bool { return r.identity() != w.present[0].identity() }) || len(w.updates) > 0 {
		return
	}
	w.start(&w.after[0], []image.Digest{left})
}

// ran are the images that the workload runs or, if it runs none, ran last, without one.
func (w *workload) ran(without image.Digest) (digests []image.Digest) {
	running := slices.ContainsFunc(w.past, func(r Row) bool { return r.Count > 0 && r.identity() != "" })
	for _, row := range w.past {
		if id := row.identity(); id != "" && id != without && (row.Count > 0 || !running) && !slices.Contains(digests, id) {
			digests = append(digests, id)
		}
	}
	return digests
}

func has(rows []Row, id image.Digest) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.identity() == id })
}

func byKey(rows []Row) map[Key][]Row {
	found := map[Key][]Row{}
	for _, row := range rows {
		found[row.Key] = append(found[row.Key], row)
	}
	for _, each := range found {
		slices.SortFunc(each, func(a, b Row) int {
			return strings.Compare(string(a.Digest)+a.Target.String(), string(b.Digest)+b.Target.String())
		})
	}
	return found
}

func keysOf(maps ...map[Key][]Row) (keys []Key) {
	for _, each := range maps {
		for key := range each {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return slices.Compact(keys)
}
