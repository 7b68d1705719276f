package watch

import (
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func (d *decision) moved() notification.Content {
	from, to := d.before.Resolved.Manifest, d.after.Resolved.Manifest
	if from == "" || from == to {
		return nil
	}
	moved := notification.TagMoved{Target: d.target, Before: pointer(d.before, d.before.Checked), After: pointer(d.after, d.now)}
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
		return nil
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
	if !d.before.Matched || !d.seen.Matched {
		return nil
	}
	options := d.subscription(notification.VulnUpdate)
	if options == nil {
		return nil
	}
	change := vuln.DiffAt(d.before.Vulnerabilities, d.after.Vulnerabilities, options.EPSS)
	content := notification.VulnerabilitiesChanged{Target: d.target, Before: evidenceOf(d.before, d.before.Checked), After: evidenceOf(d.after, d.now)}
	content.Added = slices.DeleteFunc(change.Added, func(f vuln.Finding) bool { return !interesting(f, *options) })
	removed := slices.DeleteFunc(change.Removed, func(f vuln.Finding) bool { return !interesting(f, *options) })
	content.Removed, content.NotCovered = d.after.Coverage.Uncovered(removed)
	for _, u := range change.Updated {
		if interesting(u.Previous, *options) || interesting(u.Current, *options) {
			content.Updated = append(content.Updated, u)
		}
	}
	if content.Empty() {
		return nil
	}
	return content
}

// interesting reports whether the options ask for changes of such a finding.
func interesting(f vuln.Finding, options subscription.Options) bool {
	if options.MinSeverity != "" && f.Severity.Rank() < options.MinSeverity.Rank() {
		return false
	}
	return !options.FixableOnly || f.Fix.State == vuln.FixKnown
}

func (d *decision) evaluated() notification.Content {
	last, current := d.before.Evaluation, d.seen.Evaluation
	options := d.subscription(notification.PolicyEval)
	if last == nil || current == nil || options == nil {
		return nil
	}
	if last.Status == current.Status && !(options.EveryAction && last.FinalAction != current.FinalAction) {
		return nil
	}
	return notification.PolicyEvaluated{Target: d.target, Before: evidenceOf(d.before, d.before.Checked), After: evidenceOf(d.after, d.now),
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
