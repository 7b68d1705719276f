package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Whitelist is an ordered list of matches to let pass.
type Whitelist struct {
	ID    string
	Name  string
	Items []Item

	path    string                // in the bundle
	index   map[string]*itemIndex // by gate
	faults  []Problem
	content string // identifies it
}

// Item lets matches of a gate pass.
type Item struct {
	ID        string
	Gate      string    // lower-case
	TriggerID string    // pattern
	Expires   time.Time // zero for never

	pattern matcher
}

// expired reports whether the item no longer counts.
func (i *Item) expired(now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }

func readWhitelist(n node) Whitelist {
	w := Whitelist{path: n.path, content: contentOf(n), index: map[string]*itemIndex{}}
	w.faults = n.problems.faults(func() {
		o := n.object()
		if o.fields == nil {
			return
		}
		w.ID, w.Name = o.at("id").requiredText(), o.at("name").text()
		checkVersion(o)
		w.readItems(o.at("items").requiredItems())
	})
	return w
}

// readItems leaves faulty items out of the index: they match nothing.
func (w *Whitelist) readItems(nodes []node) {
	seen := map[string]bool{}
	for position, n := range nodes {
		var item Item
		faults := n.problems.faults(func() { item = readItem(n) })
		if item.ID != "" && seen[item.ID] {
			n.warn(problemDuplicate, "the id %q occurs more than once among the whitelist's items", item.ID)
		}
		seen[item.ID] = true
		w.Items = append(w.Items, item)
		if len(faults) == 0 && item.Gate != "" && item.TriggerID != "" {
			w.indexOf(item.Gate).add(position, &item)
		}
	}
	for _, index := range w.index {
		index.sort()
	}
}

func (w *Whitelist) indexOf(gate string) *itemIndex {
	index := w.index[gate]
	if index == nil {
		index = newItemIndex()
		w.index[gate] = index
	}
	return index
}

func readItem(n node) Item {
	o := n.object()
	if o.fields == nil {
		return Item{}
	}
	item := Item{ID: o.at("id").text(), Gate: strings.ToLower(o.at("gate").requiredText())}
	item.TriggerID, item.pattern = readPattern(o.at("trigger_id"))
	if text := o.at("expires_on").text(); text != "" {
		var err error
		if item.Expires, err = parseExpiry(text); err != nil {
			o.at("expires_on").error(problemInvalid, "%v", err)
		}
	}
	item.warn(o)
	return item
}

// bareVulnerability is the id of a vulnerability without the package's name.
var bareVulnerability = regexp.MustCompile(`^(CVE|GHSA|ELSA|ALAS)[A-Za-z0-9-]*$`)

func (i *Item) warn(o object) {
	if i.Gate == "" {
		return
	}
	if retired := findRetired(i.Gate); retired != nil {
		o.at("gate").warn(problemIneffective, "gate %q is retired, so the item matches nothing; %s", i.Gate, retired.remedy())
	} else if _, enterprise := enterpriseTriggers[i.Gate]; enterprise && findGate(i.Gate) == nil {
		o.at("gate").warn(problemIneffective, "only Anchore Enterprise has the gate %q, so the item matches nothing", i.Gate)
	} else if findGate(i.Gate) == nil {
		o.at("gate").warn(problemIneffective, "unknown gate %q, so the item matches nothing; %s", i.Gate, oneOf(i.Gate, gateNames()))
	} else if i.Gate == "vulnerabilities" && bareVulnerability.MatchString(i.TriggerID) {
		o.at("trigger_id").warn(problemIneffective, "the item matches nothing: trigger ids end in + and a package, write %q for every package", i.TriggerID+"+*")
	}
}

// colonFraction is a fraction of a second after a colon, which Anchore accepts.
var colonFraction = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}):(\d{1,6})Z$`)

// parseExpiry reads Anchore's three formats and RFC 3339.
func parseExpiry(text string) (time.Time, error) {
	moment, err := time.Parse(time.RFC3339, colonFraction.ReplaceAllString(text, "$1.${2}Z"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a moment, write date, time and zone as in 2030-01-31T00:00:00Z", text)
	}
	if moment.IsZero() {
		moment = moment.Add(1) // zero stands for never, and this moment has long passed
	}
	return moment.UTC(), nil
}
