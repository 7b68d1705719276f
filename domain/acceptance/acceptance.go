// Package acceptance decides which findings have an accepted risk, and since what an
// acceptance no longer covers one. Everything in it is pure: the answer depends on the
// acceptances, the findings, the tag and the time.
//
// # States of an acceptance
//
//	accepted ──> active ──its second──> ended
//	             │  ↑                     │
//	             │  └───────extend────────┘
//	             ↓
//	          revoked
//
// An acceptance until there is a fix stays active. It covers the findings without a fix:
// for each of them it ends when the data has a fix, and only for that one, since other
// distributions may still have none. If the data withdraws the fix, it covers the finding
// again. A revoked acceptance stays revoked.
//
// # What a crash leaves behind
//
//   - Before an acceptance is stored, extended or revoked: nothing.
//   - After that, which is one transaction: tags whose recorded outcome names other
//     acceptances than the stored ones. The workflow that evaluates them continues from its
//     last page; if it never began, the resync of each tag compares them.
//   - At the second of its end: a time that is recorded with each tag. Its watcher wakes at
//     it, or later if it was down.
package acceptance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Acceptance is a decision to live with a vulnerability.
type Acceptance struct {
	ID int64
	// Vulnerability is its id as a person gave it; Aliases are the other ids that were
	// known of it then. Findings add those that they know.
	Vulnerability string
	Aliases       []string
	// Package is a name or a package URL, with or without versions; "" for every package.
	Package string
	// Subject is a pattern of tags as image.SubjectMatches has it; "" for every tag.
	Subject string
	// Until is when it ends; zero for when there is a fix.
	Until         time.Time
	Reason, Owner string
	By            string // who accepted it
	Created       time.Time
	ExtendedBy    string // who extended it last
	Extended      time.Time
	RevokedBy     string
	Revoked       time.Time // zero while it is not
}

// State is what has become of an acceptance.
type State string

// The states.
const (
	Active  State = "active"
	Ended   State = "ended"
	Revoked State = "revoked"
)

// States are all states.
var States = []State{Active, Ended, Revoked}

// State is that at a time.
func (a Acceptance) State(now time.Time) State {
	switch {
	case !a.Revoked.IsZero():
		return Revoked
	case !a.Until.IsZero() && !now.Before(a.Until):
		return Ended
	}
	return Active
}

// UntilFixed reports that it lasts until there is a fix.
func (a Acceptance) UntilFixed() bool { return a.Until.IsZero() }

// Validate rejects an acceptance that can cover nothing or that says not why, with
// errkind.Invalid.
func (a Acceptance) Validate() error {
	if !strings.Contains(a.Vulnerability, "-") || strings.ContainsAny(a.Vulnerability, "*+ \t\r\n") {
		return fmt.Errorf("invalid vulnerability %q: expected an id such as CVE-2026-1234 or GHSA-jfh8-c2jp-5v3q: %w", a.Vulnerability, errkind.Invalid)
	}
	if strings.TrimSpace(a.Reason) == "" {
		return fmt.Errorf("an acceptance needs a reason: %w", errkind.Invalid)
	}
	if vuln.IsPackageURL(a.Package) {
		if _, err := vuln.ParsePackageQuery(a.Package); err != nil {
			return err
		}
	}
	if a.Subject != "" {
		if err := image.CheckSubjectPattern(a.Subject); err != nil {
			return fmt.Errorf("%w: %w", err, errkind.Invalid)
		}
	}
	return nil
}

// Repeats reports whether it accepts the same vulnerability, by the same id, for the same
// packages and tags as another, both until there is a fix or both until a time.
func (a Acceptance) Repeats(other Acceptance) bool {
	return strings.EqualFold(a.Vulnerability, other.Vulnerability) && strings.EqualFold(a.Package, other.Package) && a.Subject == other.Subject &&
		a.UntilFixed() == other.UntilFixed()
}

// Names are the lower-case ids by which it covers findings.
func (a Acceptance) Names() []string {
	names := []string{strings.ToLower(a.Vulnerability)}
	for _, alias := range a.Aliases {
		names = append(names, strings.ToLower(alias))
	}
	return names
}

// IsFor reports whether it is for a tag.
func (a Acceptance) IsFor(tag image.Reference) bool {
	return a.Subject == "" || image.SubjectMatches(a.Subject, tag.String())
}

// For are the acceptances that are for a tag.
func For(all []Acceptance, tag image.Reference) (those []Acceptance) {
	for _, a := range all {
		if a.IsFor(tag) {
			those = append(those, a)
		}
	}
	return those
}

// Naming are the acceptances that name one of the vulnerabilities, by their lower-case ids.
func Naming(all []Acceptance, vulnerabilities map[string]bool) (those []Acceptance) {
	for _, a := range all {
		if slices.ContainsFunc(a.Names(), func(name string) bool { return vulnerabilities[name] }) {
			those = append(those, a)
		}
	}
	return those
}

// Key identifies what acceptances decide: outcomes of the same image with equal keys have
// the same accepted findings at all times. It is "" for none.
func Key(all []Acceptance) string {
	if len(all) == 0 {
		return ""
	}
	decisive := make([]Acceptance, len(all))
	for i, a := range all {
		decisive[i] = Acceptance{ID: a.ID, Vulnerability: a.Vulnerability, Aliases: a.Aliases, Package: a.Package, Until: a.Until.UTC(), Reason: a.Reason, Owner: a.Owner}
	}
	slices.SortFunc(decisive, func(a, b Acceptance) int { return int(a.ID - b.ID) })
	text, err := json.Marshal(decisive)
	if err != nil { // only a year of five digits
		text = fmt.Appendf(nil, "%+v", decisive)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Same reports whether two lists, both by id, decide the same. Only the end of an acceptance
// ever changes.
func Same(a, b []Acceptance) bool {
	return slices.EqualFunc(a, b, func(a, b Acceptance) bool { return a.ID == b.ID && a.Until.Equal(b.Until) })
}

// Concerns reports whether it names a finding, a merged one, and its package, ended or not.
func (a Acceptance) Concerns(f vuln.Finding) bool {
	names := a.Names()
	return a.includes(f.Package) && slices.ContainsFunc(f.Names(), func(name string) bool { return slices.Contains(names, strings.ToLower(name)) })
}

// covers reports whether it covers a finding that it names, of a tag that it is for, at a
// time.
func (a Acceptance) covers(f vuln.Finding, now time.Time) bool {
	return a.State(now) == Active && !(a.UntilFixed() && f.HasFix()) && a.includes(f.Package)
}

func (a Acceptance) includes(p vuln.Package) bool {
	if !vuln.IsPackageURL(a.Package) {
		return a.Package == "" || strings.EqualFold(a.Package, p.Name)
	}
	query, err := vuln.ParsePackageQuery(a.Package)
	return err == nil && query.Selects(p)
}

// accepted is what lists say of it.
func (a Acceptance) accepted() *vuln.Accepted {
	return &vuln.Accepted{ID: a.ID, Reason: a.Reason, Owner: a.Owner, Until: a.Until}
}

// Mark adds to the findings of a tag the acceptances that cover them, of those that are for
// the tag. The findings are merged ones, which know all of their ids. Of several acceptances
// the one that lasts longest counts: while another still covers a finding, no end is an end.
func Mark(findings []vuln.Finding, all []Acceptance, now time.Time) []vuln.Finding {
	if len(all) == 0 {
		return findings
	}
	byName := map[string][]Acceptance{}
	for _, a := range all {
		for _, name := range a.Names() {
			byName[name] = append(byName[name], a)
		}
	}
	marked := slices.Clone(findings)
	for i, f := range marked {
		var best *Acceptance
		for _, name := range f.Names() {
			for _, a := range byName[strings.ToLower(name)] {
				if a.covers(f, now) && (best == nil || a.outlasts(*best)) {
					best = &a
				}
			}
		}
		if marked[i].Accepted = nil; best != nil {
			marked[i].Accepted = best.accepted()
		}
	}
	return marked
}

// outlasts prefers no end to an end, the later end, and the older acceptance.
func (a Acceptance) outlasts(b Acceptance) bool {
	switch {
	case a.Until.Equal(b.Until):
		return a.ID < b.ID
	case a.UntilFixed() || b.UntilFixed():
		return a.UntilFixed()
	}
	return a.Until.After(b.Until)
}

// Next is the first time at which an acceptance of the marked findings ends; zero for none.
func Next(marked []vuln.Finding) (next time.Time) {
	for _, f := range marked {
		if f.Accepted != nil && !f.Accepted.Until.IsZero() && (next.IsZero() || f.Accepted.Until.Before(next)) {
			next = f.Accepted.Until
		}
	}
	return next
}
