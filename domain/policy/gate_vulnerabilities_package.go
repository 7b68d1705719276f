package policy

import (
	"cmp"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// vulnerabilityRule is a rule of trigger package: conditions that must all hold.
type vulnerabilityRule struct {
	class            string // all, os or non-os
	severity         int    // rank
	severityOperator string
	fix, fixGiven    bool // whether there must be one
	vendorOnly       bool
	exclude          *pattern // of locations; nil for none
	scores           []scoreCondition
	exploited        *bool // whether it must be known to be; nil for not looked at
	exploitable      *probabilityCondition
	sinceCreation    days
	sinceFix         days
}

// days is a number of days, if given.
type days struct {
	number int
	given  bool
}

func vulnerablePackage(c *check) error {
	matches, err := matchesOf(c)
	if err != nil {
		return err
	}
	rule, err := newVulnerabilityRule(c)
	if err != nil {
		return err
	}
	for m := range each(c.memo.timeLimit, matches) {
		holds, err := rule.holds(m)
		if err != nil {
			return err
		}
		if !holds {
			continue
		}
		if due := rule.due(m); due.After(c.now) {
			c.changesAt(due)
			continue
		}
		c.add(firing{id: vulnerabilityTriggerID(m), message: rule.message(m), aliases: aliasTriggerIDs(m), match: m})
	}
	return nil
}

func newVulnerabilityRule(c *check) (vulnerabilityRule, error) {
	rule := vulnerabilityRule{
		class:            c.value("package_type"),
		severity:         vuln.ParseSeverity(c.value("severity")).Rank(),
		severityOperator: c.value("severity_comparison"),
		fix:              c.flag("fix_available"),
		vendorOnly:       c.flag("vendor_only"),
		scores:           scoreConditions(c),
		exploitable:      newProbabilityCondition(c.params),
	}
	if _, given := c.text("known_exploited"); given {
		known := c.flag("known_exploited")
		rule.exploited = &known
	}
	_, rule.fixGiven = c.text("fix_available")
	rule.sinceCreation.number, rule.sinceCreation.given = c.integer("max_days_since_creation")
	rule.sinceFix.number, rule.sinceFix.given = c.integer("max_days_since_fix")
	if text, given := c.text("package_path_exclude"); given {
		exclude, err := c.pattern(text)
		if err != nil {
			return rule, err
		}
		rule.exclude = exclude
	}
	return rule, nil
}

// holds reports whether every condition applies, apart from those on age.
func (r vulnerabilityRule) holds(m *vuln.Match) (bool, error) {
	os := IsOSPackage(m.Package.Type)
	switch {
	case r.class == "os" && !os, r.class == "non-os" && os,
		!orderHolds(cmp.Compare(m.Severity.Rank(), r.severity), r.severityOperator),
		r.vendorOnly && wontFix(m),
		r.fixGiven && r.fix != hasFix(m),
		r.exploited != nil && *r.exploited != m.KnownExploited:
		return false, nil
	}
	if r.exploitable != nil {
		if m.EPSS == nil {
			return false, fmt.Errorf("EPSS scores were not read: %w", errkind.Unavailable)
		}
		if !r.exploitable.holds(*m.EPSS) {
			return false, nil
		}
	}
	for _, condition := range r.scores {
		if !condition.holds(m) {
			return false, nil
		}
	}
	if os || r.exclude == nil {
		return true, nil
	}
	excluded, err := r.exclude.matchStart(m.Location)
	return !excluded, err
}

// due is the moment from which the conditions on age hold, zero if there are
// none.
func (r vulnerabilityRule) due(m *vuln.Match) time.Time {
	var due time.Time
	if r.sinceCreation.given && r.sinceCreation.number > 0 {
		due = afterDays(m.Detected, r.sinceCreation.number)
	}
	if r.looksAtFixAge(m) {
		if fixed := afterDays(m.FixObserved, r.sinceFix.number); fixed.After(due) {
			due = fixed
		}
	}
	return due
}

// looksAtFixAge reports whether max_days_since_fix has an effect: a fix whose
// first sight is not known counts as old.
func (r vulnerabilityRule) looksAtFixAge(m *vuln.Match) bool {
	return r.sinceFix.given && r.fixGiven && r.fix && hasFix(m) && !m.FixObserved.IsZero()
}

func hasFix(m *vuln.Match) bool { return len(m.Fix.Versions) > 0 }
