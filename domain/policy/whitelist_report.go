package policy

import (
	"fmt"
	"strings"
	"time"
)

// Occurrence is a match that some image has, as whitelist items see it.
type Occurrence struct {
	Gate      string
	TriggerID string
	// Fixed tells that it is a vulnerability for which there is a fix.
	Fixed bool
}

// Occurrences are the matches of an evaluation, whitelisted or not.
func Occurrences(e Evaluation) []Occurrence {
	var all []Occurrence
	for _, r := range e.Rows {
		fixed := r.Gate == "vulnerabilities" && strings.Contains(r.Message, " (fixed in: ")
		all = append(all, Occurrence{r.Gate, r.TriggerID, fixed})
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
}

// Attention tells whether a person should look at the item: it has no effect,
// soon will have none, or excuses what can be fixed.
func (r ItemReport) Attention() bool {
	return r.Expired || r.Expiring || r.Matches == 0 || r.Fixed > 0
}

// ReportWhitelists reports on every item of the bundle's whitelists, in their
// order, given the matches of all images. Occurrences of many images need not be
// repeated. An item counts as expiring if it does so until now plus within. The
// error is fault.Limit: the whitelists' patterns take too long.
func ReportWhitelists(b *Bundle, occurrences []Occurrence, now time.Time, within time.Duration) ([]ItemReport, error) {
	var reports []ItemReport
	distinct := distinct(occurrences)
	for i := range b.Whitelists {
		w := &b.Whitelists[i]
		part := w.reports(now, within)
		if err := w.countMatches(part, distinct); err != nil {
			return nil, fmt.Errorf("report on whitelist %q: %w", w.ID, err)
		}
		reports = append(reports, part...)
	}
	return reports, nil
}

// countMatches counts the occurrences that each item is for.
func (w *Whitelist) countMatches(reports []ItemReport, occurrences map[Occurrence]bool) error {
	limit := &budget{}
	for o := range occurrences {
		positions, err := w.index[o.Gate].all(o.TriggerID, limit)
		if err != nil {
			return err
		}
		for _, position := range positions {
			reports[position].count(o)
		}
	}
	return nil
}

// distinct are the occurrences, each once.
func distinct(occurrences []Occurrence) map[Occurrence]bool {
	set := map[Occurrence]bool{}
	for _, o := range occurrences {
		set[o] = true
	}
	return set
}

// reports are the items before any occurrence is counted.
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

func (r *ItemReport) count(o Occurrence) {
	r.Matches++
	if o.Fixed {
		r.Fixed++
	}
}
