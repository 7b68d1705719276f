package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Occurrence is a match that some image has, as whitelist items see it.
type Occurrence struct {
	Gate      string
	TriggerID string
	Aliases   []string // Row.Aliases
	// Fixed reports that it is a vulnerability for which there is a fix.
	Fixed bool
}

// Occurrences are the matches of an evaluation, whitelisted or not.
func Occurrences(e Evaluation) []Occurrence {
	var all []Occurrence
	for _, r := range e.Rows {
		fixed := r.Gate == "vulnerabilities" && strings.Contains(r.Message, " (fixed in: ")
		all = append(all, Occurrence{r.Gate, r.TriggerID, r.Aliases, fixed})
	}
	return all
}

// ItemReport says how a whitelist item fares.
type ItemReport struct {
	WhitelistID string
	Position    int // in the whitelist, from 0
	Item        Item
	Expired     bool
	Expiring    bool // it expires within the time asked for
	Matches     int  // occurrences it is for, expired or not
	Fixed       int  // of these, vulnerabilities that an update would remove
	// Occurrences are those that are counted.
	Occurrences []Occurrence
	// Spellings are the trigger ids, sorted, of occurrences that the item matches
	// by another name of the vulnerability than the one in use.
	Spellings []string
}

// Attention reports whether a person should look at the item: it has no effect,
// soon will have none, waives what can be fixed, or names a vulnerability
// otherwise than the data in use.
func (r ItemReport) Attention() bool {
	return r.Expired || r.Expiring || r.Matches == 0 || r.Fixed > 0 || len(r.Spellings) > 0
}

// ReportWhitelists reports on every item of the bundle's whitelists, in their
// order, given the matches of all images. Occurrences of many images need not be
// repeated. An item counts as expiring if it does so until now plus within. The
// error is fault.Limit, if the whitelists' patterns take too long, or that of the
// context.
func ReportWhitelists(ctx context.Context, b *Bundle, occurrences []Occurrence, now time.Time, within time.Duration) ([]ItemReport, error) {
	var reports []ItemReport
	distinct, limit := distinct(occurrences), newTimeLimit(ctx, reportTime)
	for i := range b.Whitelists {
		w := &b.Whitelists[i]
		part := w.reports(now, within)
		if err := w.countMatches(part, distinct, limit); err != nil {
			return nil, fmt.Errorf("report on whitelist %q: %w", w.ID, err)
		}
		reports = append(reports, part...)
	}
	return reports, nil
}

// countMatches counts the occurrences that each item is for.
func (w *Whitelist) countMatches(reports []ItemReport, occurrences []Occurrence, limit *timeLimit) error {
	for o := range each(limit, occurrences) {
		counted := map[int]bool{}
		for _, id := range append([]string{o.TriggerID}, o.Aliases...) {
			positions, err := w.index[o.Gate].all(id, limit)
			if err != nil {
				return err
			}
			for _, position := range positions {
				if !counted[position] {
					counted[position] = true
					reports[position].count(o, id)
				}
			}
		}
	}
	for i := range reports {
		slices.Sort(reports[i].Spellings)
		reports[i].Spellings = slices.Compact(reports[i].Spellings)
	}
	return limit.err
}

func distinct(occurrences []Occurrence) (list []Occurrence) {
	type key struct {
		gate, ids string
		fixed     bool
	}
	seen := map[key]bool{}
	for _, o := range occurrences {
		k := key{o.Gate, strings.Join(append([]string{o.TriggerID}, o.Aliases...), "\n"), o.Fixed}
		if !seen[k] {
			seen[k] = true
			list = append(list, o)
		}
	}
	return list
}

func (w *Whitelist) reports(now time.Time, within time.Duration) []ItemReport {
	reports := make([]ItemReport, len(w.Items))
	for i, item := range w.Items {
		expired := item.expired(now)
		reports[i] = ItemReport{
			WhitelistID: w.ID, Position: i, Item: item,
			Expired: expired, Expiring: !expired && item.expired(now.Add(within)),
		}
	}
	return reports
}

func (r *ItemReport) count(o Occurrence, by string) {
	r.Matches++
	r.Occurrences = append(r.Occurrences, o)
	if o.Fixed {
		r.Fixed++
	}
	if by != o.TriggerID {
		r.Spellings = append(r.Spellings, o.TriggerID)
	}
}
