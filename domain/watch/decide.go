package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Seen is what a pass found out about a target.
type Seen struct {
	Resolved image.Resolved
	// Analyzed is the image that the rest is about: the one the tag points to,
	// or the newest before it that could be analyzed. Empty: none yet.
	Analyzed image.Digest
	Packages int
	// Known tells that the image was analyzed before this target pointed to it.
	Known bool
	// Difference is what changed in the packages since State.Analyzed; nil when
	// it is the same image or there was none.
	Difference *event.ImageDifference
	Basis      Basis
	// Matched tells that Vulnerabilities is a list, if an empty one.
	Matched         bool
	Vulnerabilities []vuln.Finding
	// Evaluation is nil when there is nothing to evaluate yet.
	Evaluation *Evaluation
	// LastBundle and Bundle are the bundles of the last evaluation and of this
	// one.
	LastBundle, Bundle json.RawMessage
	// Next is when time alone can change the outcome; zero for never.
	Next    time.Time
	Problem *Problem
}

// Audience is whom a target's transitions are told to.
type Audience struct {
	Account       string
	Subscriptions []event.Subscription
	Endpoints     []event.Endpoint
	// Patience is how long deliveries are tried.
	Patience time.Duration
}

// Decision is what is to be stored after a pass.
type Decision struct {
	State         State
	Notifications []event.Notification
	Deliveries    []event.Delivery
}

// Decide compares what a pass found with what was last recorded: which
// transitions happened, and who is told. It is the only place that decides so.
// First observations are silent, but for the first analysis, which is the news.
func Decide(target image.Target, before State, seen Seen, audience Audience, now time.Time) (Decision, error) {
	after := advance(before, seen, now)
	d := decision{target: target, before: before, after: after, seen: seen, audience: audience, now: now}
	for _, content := range d.transitions() {
		if err := d.tell(content); err != nil {
			return Decision{}, err
		}
	}
	return Decision{State: after, Notifications: d.notifications, Deliveries: d.deliveries}, nil
}

// advance is the state after a pass. What the pass could not find out stays as
// it was.
func advance(before State, seen Seen, now time.Time) State {
	after := before
	after.Revision++
	after.Resolved, after.Next, after.Checked = seen.Resolved, seen.Next, now
	if before.Problem == nil || before.Problem.Stage != StageResolve {
		after.Problem = seen.Problem // whoever looks at the registry ends a problem of that
	}
	// An image of which the vulnerabilities are not known yet does not take the
	// place of one of which they are: lists are only compared whole.
	if seen.Matched || !before.Matched {
		after.Basis = seen.Basis
		if seen.Analyzed != "" {
			after.Analyzed = seen.Analyzed
		}
	}
	if seen.Matched {
		after.Matched, after.Vulnerabilities = true, essentials(seen.Vulnerabilities)
		after.Counts = vuln.Counts{}
		for _, f := range after.Vulnerabilities {
			after.Counts.Add(f.Severity)
		}
	}
	if seen.Evaluation != nil {
		after.Evaluation = seen.Evaluation
	}
	if differs(before, after) {
		after.Changed = now
	}
	return after
}

func differs(before, after State) bool {
	return before.Resolved != after.Resolved || before.Analyzed != after.Analyzed ||
		!vuln.Diff(before.Vulnerabilities, after.Vulnerabilities).Empty() ||
		(before.Evaluation == nil) != (after.Evaluation == nil) ||
		before.Evaluation != nil && before.Evaluation.FinalAction != after.Evaluation.FinalAction
}

// essentials drops what a later comparison or notification does not need.
func essentials(findings []vuln.Finding) []vuln.Finding {
	kept := slices.Clone(findings)
	for i := range kept {
		kept[i].Description, kept[i].URLs, kept[i].CVSS, kept[i].Hows, kept[i].CWEs = "", nil, nil, nil, nil
		kept[i].Related = slices.Clone(kept[i].Related)
		for j := range kept[i].Related {
			kept[i].Related[j].CVSS = nil
		}
	}
	return kept
}

// decision lives within one call of Decide.
type decision struct {
	target        image.Target
	before, after State
	seen          Seen
	audience      Audience
	now           time.Time
	notifications []event.Notification
	deliveries    []event.Delivery
}

// transitions lists what happened, in the order in which it is told.
func (d *decision) transitions() []event.Content {
	var happened []event.Content
	for _, transition := range []func() event.Content{d.moved, d.analyzed, d.vulnerabilities, d.evaluated} {
		if content := transition(); content != nil {
			happened = append(happened, content)
		}
	}
	return happened
}

func (d *decision) moved() event.Content {
	from, to := d.before.Resolved.Manifest, d.after.Resolved.Manifest
	if from == "" || from == to {
		return nil
	}
	moved := event.TagMoved{Target: d.target, Before: pointer(d.before), After: pointer(d.after)}
	if d.after.Analyzed == to && d.before.Analyzed == from {
		moved.Difference = d.difference()
	}
	return moved
}

// difference adds the vulnerabilities to the packages that differ.
func (d *decision) difference() *event.ImageDifference {
	if d.seen.Difference == nil {
		return nil
	}
	difference := *d.seen.Difference
	if d.before.Matched && d.seen.Matched {
		change := vuln.Diff(d.before.Vulnerabilities, d.after.Vulnerabilities)
		difference.Fixed, difference.Introduced = change.Removed, change.Added
	}
	return &difference
}

func (d *decision) analyzed() event.Content {
	if d.after.Analyzed == d.before.Analyzed {
		return nil
	}
	content := event.ImageAnalyzed{Target: d.target, After: evidenceOf(d.after), Known: d.seen.Known, Packages: d.seen.Packages}
	if d.before.Analyzed != "" {
		content.Before = evidenceOf(d.before)
	}
	return content
}

func (d *decision) vulnerabilities() event.Content {
	if !d.before.Matched || !d.seen.Matched {
		return nil
	}
	change := vuln.Diff(d.before.Vulnerabilities, d.after.Vulnerabilities)
	options := d.subscription(event.VulnUpdate)
	if options == nil {
		return nil
	}
	content := event.VulnerabilitiesChanged{Target: d.target, Before: evidenceOf(d.before), After: evidenceOf(d.after)}
	content.Added = slices.DeleteFunc(change.Added, func(f vuln.Finding) bool { return !interesting(f, *options) })
	content.Removed = slices.DeleteFunc(change.Removed, func(f vuln.Finding) bool { return !interesting(f, *options) })
	for _, u := range change.Updated {
		if interesting(u.Previous, *options) || interesting(u.Current, *options) {
			content.Updated = append(content.Updated, u)
		}
	}
	if len(content.Added)+len(content.Removed)+len(content.Updated) == 0 {
		return nil
	}
	return content
}

// interesting tells whether the options ask for changes of such a finding.
func interesting(f vuln.Finding, options event.Options) bool {
	if options.MinSeverity != "" && f.Severity.Rank() < options.MinSeverity.Rank() {
		return false
	}
	return !options.FixableOnly || f.Fix.State == vuln.FixKnown
}

func (d *decision) evaluated() event.Content {
	last, current := d.before.Evaluation, d.seen.Evaluation
	options := d.subscription(event.PolicyEval)
	if last == nil || current == nil || options == nil {
		return nil
	}
	if last.Status == current.Status && !(options.EveryAction && last.FinalAction != current.FinalAction) {
		return nil
	}
	return event.PolicyEvaluated{Target: d.target, Before: evidenceOf(d.before), After: evidenceOf(d.after),
		Last:    event.Evaluation{Status: last.Status, FinalAction: last.FinalAction, Document: withBundle(last.Document, d.seen.LastBundle)},
		Current: event.Evaluation{Status: current.Status, FinalAction: current.FinalAction, Document: withBundle(current.Document, d.seen.Bundle)}}
}

// withBundle puts the evaluated bundle into a result document, where Anchore
// has it. Documents are kept without: one bundle serves them all.
func withBundle(document []byte, bundle json.RawMessage) json.RawMessage {
	var keys map[string]json.RawMessage
	if len(bundle) == 0 || json.Unmarshal(document, &keys) != nil {
		return document
	}
	keys["bundle"] = bundle
	whole, err := json.Marshal(keys)
	if err != nil {
		return document
	}
	return whole
}

// WithoutBundle takes the bundle out of a result document, to be put back when
// somebody is told of it.
func WithoutBundle(document []byte) []byte {
	var keys map[string]json.RawMessage
	if json.Unmarshal(document, &keys) != nil {
		return document
	}
	delete(keys, "bundle")
	short, err := json.Marshal(keys)
	if err != nil {
		return document
	}
	return short
}

// subscription is the options of the subscription of that type; nil if there is
// none.
func (d *decision) subscription(t event.Type) *event.Options {
	for _, s := range d.audience.Subscriptions {
		if s.Type == t && s.Active {
			return &s.Options
		}
	}
	return nil
}

// tell stores a notification and its deliveries, if somebody subscribed to it.
func (d *decision) tell(content event.Content) error {
	options := d.subscription(content.Type())
	causes := d.causes(content.Type())
	if options == nil || !slices.ContainsFunc(causes, options.Wants) {
		return nil
	}
	id := notificationID(d.target.String(), string(content.Type()), fmt.Sprint(d.after.Revision), string(d.after.Resolved.Manifest), d.now.UTC().String())
	n, err := event.New(event.Heading{ID: id, Account: d.audience.Account, Causes: causes, Created: d.now}, content)
	if err != nil {
		return err
	}
	d.notifications = append(d.notifications, n)
	d.deliveries = append(d.deliveries, Deliveries(n, *options, d.audience, d.now)...)
	return nil
}

// causes lists everything that an outcome is made from and that differs, the
// weightiest first. If nothing differs, time alone has passed.
func (d *decision) causes(t event.Type) []event.Cause {
	if t == event.AnalysisUpdate || t == event.TagUpdate {
		return []event.Cause{event.CauseImage}
	}
	before, after := d.before.Basis, d.after.Basis
	var causes []event.Cause
	for _, c := range []struct {
		differs bool
		cause   event.Cause
	}{
		{d.before.Analyzed != d.after.Analyzed, event.CauseImage},
		{t == event.PolicyEval && before.Bundle != after.Bundle, event.CausePolicy},
		{before.Generation != after.Generation, event.CauseFeed},
		{before.Engine != after.Engine || before.Analyzer != after.Analyzer, event.CauseScanner},
	} {
		if c.differs {
			causes = append(causes, c.cause)
		}
	}
	if causes == nil {
		return []event.Cause{event.CauseTime}
	}
	return causes
}

// Deliveries are those of one notification, due at once.
func Deliveries(n event.Notification, options event.Options, audience Audience, now time.Time) []event.Delivery {
	var deliveries []event.Delivery
	for _, name := range event.Route(options, n.Type, n.Subject, audience.Endpoints) {
		deliveries = append(deliveries, event.Delivery{Notification: n.ID, Endpoint: name, State: event.Pending,
			Created: now, NextTry: now, GiveUp: now.Add(audience.Patience)})
	}
	return deliveries
}

// notificationID derives an id from what makes a notification unique.
func notificationID(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join(parts, "\n"))).String()
}

// evidenceOf is what the statements about a state's image were made from. While
// a newer image cannot be analyzed, that is not the one the tag points to.
func evidenceOf(s State) event.Evidence {
	image := s.Resolved
	if s.Analyzed != "" && s.Analyzed != image.Manifest {
		image.Manifest, image.Index = s.Analyzed, ""
	}
	return event.Evidence{Image: image, Generation: s.Basis.Generation, Engine: s.Basis.Engine,
		Bundle: s.Basis.Bundle, Analyzer: s.Basis.Analyzer}
}

// pointer is evidence of what the tag points to, analyzed or not.
func pointer(s State) event.Evidence {
	evidence := evidenceOf(s)
	evidence.Image = s.Resolved
	return evidence
}
