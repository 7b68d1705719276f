package watch

import (
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

func (d *decision) moved() notification.Content {
	from, to := d.before.Resolved.Manifest, d.after.Resolved.Manifest
	switch {
	case from == to:
		return d.suppress(notification.TagUpdate, notification.Unchanged)
	case from == "":
		return d.suppress(notification.TagUpdate, notification.FirstObservation)
	}
	moved := notification.TagMoved{Target: d.target, Before: pointer(d.before, d.before.Checked), After: pointer(d.after, d.now),
		Running: workload.Summarize(workload.Against(d.seen.Running, d.after.Resolved))}
	if d.movedWithContent() {
		moved.Difference = d.difference()
	}
	return moved
}

// movedWithContent reports that the tag moved from one analyzed image to another:
// tag_update says what changed inside.
func (d *decision) movedWithContent() bool {
	from, to := d.before.Resolved.Manifest, d.after.Resolved.Manifest
	return from != to && d.before.Analyzed == from && d.after.Analyzed == to
}

// difference adds the vulnerabilities to the packages that differ.
func (d *decision) difference() *notification.ImageDifference {
	if d.seen.Difference == nil {
		return nil
	}
	difference := *d.seen.Difference
	if d.before.Matched && d.seen.Matched {
		change := vuln.Diff(d.before.Vulnerabilities, d.after.Vulnerabilities)
		difference.Fixed, difference.NotCovered = d.after.Coverage.Uncovered(change.Removed)
		difference.Introduced = change.Added
	}
	return &difference
}

func (d *decision) analyzed() notification.Content {
	if d.after.Analyzed == d.before.Analyzed {
		return d.suppress(notification.AnalysisUpdate, notification.Unchanged)
	}
	content := notification.ImageAnalyzed{Target: d.target, After: evidenceOf(d.after, d.now), Known: d.seen.Known, Packages: d.seen.Packages, Unreadable: d.seen.Unreadable}
	if d.before.Analyzed != "" {
		content.Before = evidenceOf(d.before, d.before.Checked)
	}
	if !d.movedWithContent() {
		content.Difference = d.difference()
	}
	return content
}

func (d *decision) vulnerabilities() notification.Content {
	switch {
	case !d.seen.Matched:
		return d.suppress(notification.VulnUpdate, notification.Undetermined)
	case !d.before.Matched:
		return d.suppress(notification.VulnUpdate, notification.FirstObservation)
	}
	var options subscription.Options // a list that nobody subscribed to is compared whole
	if subscribed := d.subscription(notification.VulnUpdate); subscribed != nil {
		options = *subscribed
	}
	thresholds := append(options.Thresholds(), subscription.EndpointThresholds(d.audience.Endpoints)...)
	change := vuln.DiffAt(d.before.Vulnerabilities, d.after.Vulnerabilities, thresholds...)
	content := notification.VulnerabilitiesChanged{Target: d.target, Before: evidenceOf(d.before, d.before.Checked), After: evidenceOf(d.after, d.now),
		Added: change.Added, Updated: change.Updated, Acceptances: d.acceptances()}
	content.Removed, content.NotCovered = d.after.Coverage.Uncovered(change.Removed)
	switch {
	case !content.Empty():
		return content
	case len(thresholds) > 0 && !slices.EqualFunc(d.before.Vulnerabilities, d.after.Vulnerabilities, sameScore):
		return d.suppress(notification.VulnUpdate, notification.BelowEPSS)
	}
	return d.suppress(notification.VulnUpdate, notification.Unchanged)
}

// sameScore compares two findings of lists that differ in nothing else.
func sameScore(a, b vuln.Finding) bool {
	return a.EPSS == b.EPSS || a.EPSS != nil && b.EPSS != nil && *a.EPSS == *b.EPSS
}

func (d *decision) evaluated() notification.Content {
	last, current := d.before.Evaluation, d.seen.Evaluation
	options := d.subscription(notification.PolicyEval)
	switch {
	case current == nil:
		return d.suppress(notification.PolicyEval, notification.Undetermined)
	case last == nil:
		return d.suppress(notification.PolicyEval, notification.FirstObservation)
	case last.FinalAction == current.FinalAction && last.Status == current.Status:
		return d.suppress(notification.PolicyEval, notification.Unchanged)
	case last.Status == current.Status && (options == nil || !options.EveryAction):
		return d.suppress(notification.PolicyEval, notification.SameStatus, fmt.Sprintf("final action %s, was %s", current.FinalAction, last.FinalAction))
	}
	return notification.PolicyEvaluated{Target: d.target, Before: evidenceOf(d.before, d.before.Checked), After: evidenceOf(d.after, d.now), Acceptances: d.acceptances(),
		Last:    notification.Evaluation{Status: last.Status, FinalAction: last.FinalAction, Document: withBundle(last.Document, d.seen.LastBundle)},
		Current: notification.Evaluation{Status: current.Status, FinalAction: current.FinalAction, Document: withBundle(current.Document, d.seen.Bundle)}}
}

// evidenceOf is what the statements about a state's image were made from. While
// a newer image cannot be analyzed, that is not the one the tag points to. The time
// is that of the statements.
func evidenceOf(s State, at time.Time) notification.Evidence {
	image := s.Resolved
	if s.Analyzed != "" && s.Analyzed != image.Manifest {
		image.Manifest, image.Index = s.Analyzed, ""
	}
	return notification.Evidence{Image: image, Build: s.Basis.Build, Matcher: s.Basis.Matcher,
		Bundle: s.Basis.Bundle, Analyzer: s.Basis.Analyzer, Coverage: s.Coverage, Incomplete: s.Coverage.Incomplete(at)}
}

// pointer is evidence of what the tag points to, analyzed or not.
func pointer(s State, at time.Time) notification.Evidence {
	evidence := evidenceOf(s, at)
	evidence.Image = s.Resolved
	if s.Analyzed != s.Resolved.Manifest {
		evidence.Coverage, evidence.Incomplete = vuln.Coverage{}, "" // of another image
	}
	return evidence
}
