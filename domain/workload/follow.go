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

// Wait is that a workload runs what may be another image, or the same one under another
// digest: runtimes differ in which they report.
type Wait struct {
	Key
	Target image.Target
	Before []image.Digest
	After  image.Digest
	// Ask is what registries have to say first.
	Ask []Question
}

const (
	// settled is how long an image has to be gone for a roll-out to be over. Within that
	// time its return is not news: replicas come and go while a workload is rolled out.
	settled = 10 * time.Minute
	// remembered is how long the last image of a workload that runs nothing is kept, to
	// compare the next one with. It ends a wait too.
	remembered = 7 * 24 * time.Hour
)

// Listing is what a source lists of its workloads, with what it listed before.
type Listing struct {
	Before, Now []Row
	// Forms are what registries said of digests.
	Forms Forms
	// Notifies reports whether anybody is notified of the updates of a tag. Of other tags,
	// no registry is asked: digests that are not known are different images then.
	Notifies func(image.Target) bool
	At       time.Time
}

// Outcome is what a listing comes to: the rows to store, what started, and what may have.
type Outcome struct {
	Rows    []Row
	Updates []Update
	Waiting []Wait
}

// Follow compares the rows of a source with what it lists now. A workload that was not
// listed before starts nothing, however many containers
// it has, and each image of a workload counts once until its roll-out is over. If that
// ends with another image than the one that was notified last, the workload is back at
// that one, which is an update too.
//
// A digest that may be another name of an image which ran before starts nothing either: its
// row waits until registries have said what it is, for as long as it runs.
func Follow(listing Listing) (o Outcome) {
	past, present := byKey(listing.Before), byKey(listing.Now)
	for _, key := range keysOf(past, present) {
		w := workload{Listing: listing, present: present[key], ids: map[image.Digest]image.Digest{}}
		for _, row := range past[key] {
			if !row.Waits {
				w.past = append(w.past, row)
			}
		}
		w.follow()
		o.Rows, o.Updates, o.Waiting = append(o.Rows, w.after...), append(o.Updates, w.updates...), append(o.Waiting, w.waiting...)
	}
	return o
}

// workload is one key while it is compared.
type workload struct {
	Listing
	// past are the rows before without those that wait.
	past, present, after []Row
	updates              []Update
	waiting              []Wait
	// ids are the first of several names of one image, by the others.
	ids map[image.Digest]image.Digest
}

func (w *workload) follow() {
	w.identify()
	for _, row := range w.present {
		row.Gone, row.Notified, row.Waits = time.Time{}, w.notified(row), false
		if id := w.id(row); id != "" && w.remembers() && !w.has(w.past, id) {
			if asks := w.asks(row); len(asks) > 0 {
				row.Waits = true
				w.waiting = append(w.waiting, Wait{Key: row.Key, Target: row.Target, Before: w.ran(id), After: id, Ask: asks})
			} else {
				w.start(&row, w.ran(id))
			}
		}
		w.after = append(w.after, row)
	}
	for _, row := range w.past {
		if row.Gone.IsZero() {
			row.Count, row.Gone = 0, w.At
		}
		switch {
		case w.has(w.present, w.id(row)) || row.identity() == "":
		case !w.forgets(row):
			w.after = append(w.after, row)
		case row.Notified:
			w.backTo(w.id(row))
		}
	}
}

// identify finds the digests of one image that runtimes report under several names.
func (w *workload) identify() {
	var seen []Row
	for _, row := range slices.Concat(w.past, w.present) {
		if row.identity() == "" || slices.ContainsFunc(seen, func(r Row) bool { return r.identity() == row.identity() }) {
			continue
		}
		seen = append(seen, row)
	}
	slices.SortStableFunc(seen, func(a, b Row) int { // those that are known first
		switch {
		case (a.Image == "") == (b.Image == ""):
			return 0
		case a.Image == "":
			return 1
		}
		return -1
	})
	for i, row := range seen {
		for _, other := range seen[:i] {
			if verdict, _ := w.compare(row, other); verdict == Same {
				w.ids[row.identity()] = w.id(other)
				break
			}
		}
	}
}

// compare says whether two rows are of one image. What tags pointed to is known.
func (w *workload) compare(a, b Row) (Verdict, []Question) {
	if a.Image != "" && b.Image != "" {
		if a.Image == b.Image {
			return Same, nil
		}
		return Different, nil
	}
	return w.Forms.compare(a.named(), b.named(), a.Target.Platform)
}

func (r Row) named() named { return named{r.identity(), r.Target.Reference.Repository} }

// id is the one name of the image of a row; empty for one that is not known.
func (w *workload) id(row Row) image.Digest {
	if first, several := w.ids[row.identity()]; several {
		return first
	}
	return row.identity()
}

// asks are the questions to registries whether a row is of an image that ran before.
func (w *workload) asks(row Row) (questions []Question) {
	if !w.Notifies(row.Target) {
		return nil
	}
	for _, before := range w.past {
		if before.identity() == "" {
			continue
		}
		_, asks := w.compare(row, before)
		for _, each := range asks {
			if !slices.Contains(questions, each) {
				questions = append(questions, each)
			}
		}
	}
	return questions
}

// remembers reports whether anything is known of what the workload ran.
func (w *workload) remembers() bool {
	return slices.ContainsFunc(w.past, func(r Row) bool { return r.identity() != "" })
}

// notified reports whether the last update was about the image of the row.
func (w *workload) notified(row Row) bool {
	return slices.ContainsFunc(w.past, func(r Row) bool { return r.Notified && w.id(r) == w.id(row) })
}

// forgets reports whether a row of the past is no longer of use.
func (w *workload) forgets(row Row) bool {
	gone := w.At.Sub(row.Gone)
	runs := len(w.waiting) == 0 && slices.ContainsFunc(w.present, func(r Row) bool { return r.identity() != "" })
	return runs && gone >= settled || gone >= remembered
}

// start notes that a row is of an image that the workload did not run.
func (w *workload) start(row *Row, before []image.Digest) {
	again := slices.ContainsFunc(w.updates, func(u Update) bool { return u.After == w.id(*row) })
	for i := range w.after {
		w.after[i].Notified = w.id(w.after[i]) == w.id(*row)
	}
	row.Notified = true
	for i := range w.past {
		w.past[i].Notified = false
	}
	if !again {
		w.updates = append(w.updates, Update{Key: row.Key, Target: row.Target, Before: before, After: w.id(*row), Age: Unknown})
	}
}

// backTo notes that the image that was notified last is gone for good.
func (w *workload) backTo(left image.Digest) {
	if len(w.present) == 0 || slices.ContainsFunc(w.present, func(r Row) bool { return w.id(r) != w.id(w.present[0]) }) || len(w.updates) > 0 {
		return
	}
	w.start(&w.after[0], []image.Digest{left})
}

// ran are the images that the workload runs or, if it runs none, ran last, without one.
func (w *workload) ran(without image.Digest) (digests []image.Digest) {
	running := slices.ContainsFunc(w.past, func(r Row) bool { return r.Count > 0 && r.identity() != "" })
	for _, row := range w.past {
		if id := w.id(row); id != "" && id != without && (row.Count > 0 || !running) && !slices.Contains(digests, id) {
			digests = append(digests, id)
		}
	}
	return digests
}

func (w *workload) has(rows []Row, id image.Digest) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return w.id(r) == id })
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
