package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Seen is what a pass found out about a target.
type Seen struct {
	Resolved image.Resolved
	// Analyzed is the image that the rest is about: the one the tag points to,
	// or the newest before it that could be analyzed. Empty: none yet.
	Analyzed image.Digest
	Packages int
	// Unreadable are its files that could not be read for their packages.
	Unreadable []sbom.Unreadable
	// Known reports that the image was analyzed before this target pointed to it.
	Known bool
	// Difference is what changed in the packages since State.Analyzed; nil when
	// it is the same image or there was none.
	Difference *notification.ImageDifference
	Basis      Basis
	// Matched reports that Vulnerabilities is a list, if an empty one.
	Matched         bool
	Vulnerabilities []vuln.Finding
	// Acceptances are those that are for the target.
	Acceptances []acceptance.Acceptance
	// Coverage reports whether the data of that list is about the image's
	// distribution at all.
	Coverage vuln.Coverage
	// Evaluation is nil when there is nothing to evaluate yet.
	Evaluation *Evaluation
	// LastBundle and Bundle are the bundles of the last evaluation and of this
	// one.
	LastBundle, Bundle json.RawMessage
	// Next is when time alone can change the outcome; zero for never.
	Next    time.Time
	Problem *condition.Problem
	// Places are where packages are in the image, PlacesBefore where they were in the
	// one before; nil where they are not known or no filter asks.
	Places, PlacesBefore vuln.Places
	// Running is what workloads run of the tag, as far as sources say so.
	Running []workload.Instance
}

// Decision is what is to be stored after a pass.
type Decision struct {
	State         State
	Notifications []notification.Notification
	Deliveries    []delivery.Delivery
	// PendingSummary are notified in a summary, in place of deliveries.
	PendingSummary []notification.PendingSummary
	// Suppressed is what is not notified, and why. Each type of which there is no
	// notification is among it, and each endpoint that gets none of those there are.
	Suppressed []notification.Suppression
	// Made is when it was decided.
	Made time.Time
}

// Decide compares what a pass found with what was last recorded: which
// transitions happened, and who is notified. It is the only place that decides so.
// First observations are silent, but for the first analysis, which is the news.
// What is not notified has its reason.
func Decide(target image.Target, before State, seen Seen, audience subscription.Audience, now time.Time) (Decision, error) {
	after := advance(before, seen, now)
	d := decision{target: target, before: before, after: after, seen: seen, audience: audience, now: now}
	for _, content := range d.transitions() {
		if err := d.tell(content); err != nil {
			return Decision{}, err
		}
	}
	return Decision{State: after, Notifications: d.notifications, Deliveries: d.deliveries, PendingSummary: d.pending, Suppressed: d.suppressed, Made: now}, nil
}

// decision lives within one call of Decide.
type decision struct {
	target        image.Target
	before, after State
	seen          Seen
	audience      subscription.Audience
	now           time.Time
	notifications []notification.Notification
	deliveries    []delivery.Delivery
	pending       []notification.PendingSummary
	suppressed    []notification.Suppression
}

// transitions lists what happened, in the order in which it is notified.
func (d *decision) transitions() []notification.Content {
	var happened []notification.Content
	for _, transition := range []func() notification.Content{d.moved, d.analyzed, d.vulnerabilities, d.evaluated} {
		if content := transition(); content != nil {
			happened = append(happened, content)
		}
	}
	return happened
}

// subscription is the options of the subscription of that type; nil if there is
// none.
func (d *decision) subscription(t notification.Type) *subscription.Options {
	for _, s := range d.audience.Subscriptions {
		if s.Type == t && s.Active {
			return &s.Options
		}
	}
	return nil
}

// tell stores a notification and its deliveries, if somebody subscribed to it.
func (d *decision) tell(content notification.Content) error {
	options := d.subscription(content.Type())
	causes := d.causes(content.Type())
	switch {
	case options == nil:
		d.suppress(content.Type(), notification.NotSubscribed)
		return nil
	case !slices.ContainsFunc(causes, options.Wants):
		d.suppress(content.Type(), notification.OtherCause, fmt.Sprintf("%s, not %s", causes, options.Causes))
		return nil
	}
	if list, changed := content.(notification.VulnerabilitiesChanged); changed {
		content = d.dated(list)
	}
	receiver := subscription.NewReceiver(d.about(content.Type(), causes), *options)
	cut := receiver.Content(content)
	own := cut != nil
	if !own { // a score may be of interest to the filter of an endpoint alone
		cut = receiver.Anywhere(d.audience.Endpoints).Content(content)
	}
	if own || cut == nil {
		d.suppressed = append(d.suppressed, receiver.Suppressed(content.Type())...)
	}
	if cut == nil {
		return nil
	}
	id := notification.ID(d.target.String(), string(content.Type()), fmt.Sprint(d.after.Revision), string(d.after.Resolved.Manifest), d.now.UTC().String())
	heading := notification.Heading{ID: id, Account: d.audience.Account, Causes: causes, Created: d.now, Trace: d.audience.Trace}
	n, err := notification.New(heading, cut)
	if err != nil {
		return err
	}
	d.notifications = append(d.notifications, n)
	d.keepDates(cut)
	if list, changed := cut.(notification.VulnerabilitiesChanged); changed && own && !receiver.Urgent() && summarized(causes, *options) {
		d.gather(list.Revision(n.ID), content, receiver, *options)
		return nil
	}
	deliveries, suppressed, err := d.audience.Deliveries(n, heading, content, receiver, *options)
	d.deliveries, d.suppressed = append(d.deliveries, deliveries...), append(d.suppressed, suppressed...)
	return err
}

// about is what filters read of a notification.
func (d *decision) about(t notification.Type, causes []notification.Cause) filter.Notification {
	reference := d.target.Reference
	about := filter.Notification{Type: t, Causes: causes, Registry: reference.Registry, Repository: reference.Path, Tag: reference.Tag, Platform: d.target.Platform.String(),
		Places: d.seen.Places, PlacesBefore: d.seen.PlacesBefore, Workloads: workload.Keys(d.seen.Running)}
	if d.before.Evaluation != nil {
		about.StatusBefore = string(d.before.Evaluation.Status)
	}
	if d.after.Evaluation != nil {
		about.StatusNow = string(d.after.Evaluation.Status)
	}
	return about
}

// suppress notes why there is no notification of that type. What it returns is the
// content that there is not.
func (d *decision) suppress(t notification.Type, reason notification.Reason, names ...string) notification.Content {
	d.suppressed = append(d.suppressed, notification.Suppress(t, reason, names...))
	return nil
}

// summarized reports whether a change of a list is notified together with those of
// other tags: a new version of what analyzes or matches changes thousands at
// once, and it is not the image that changed. Whoever asks for that cause by name
// is notified of each.
func summarized(causes []notification.Cause, options subscription.Options) bool {
	return slices.Contains(causes, notification.CauseScanner) && !slices.Contains(causes, notification.CauseImage) &&
		!slices.Contains(options.Causes, notification.CauseScanner)
}

// gather keeps a revision, for each endpoint that would be notified of it what its
// filter lets through, and for those that follow the event log.
func (d *decision) gather(r notification.Revision, whole notification.Content, receiver *subscription.Receiver, options subscription.Options) {
	names, suppressed := subscription.Route(options, notification.VulnUpdate, r.Tag, d.audience.Endpoints)
	followers, _ := subscription.Route(subscription.Options{}, notification.EventLog, r.Tag, d.audience.Endpoints)
	for _, e := range d.audience.Endpoints {
		part, gets := r, slices.Contains(followers, e.Name)
		if slices.Contains(names, e.Name) {
			reason, detail := notification.Summarized, ""
			if cut, some := receiver.At(e).Content(whole).(notification.VulnerabilitiesChanged); some {
				part, gets = cut.Revision(r.Notification), true
			} else {
				reason, detail = notification.Filtered, e.When
			}
			suppressed = append(suppressed, notification.Suppression{Type: notification.VulnUpdate, Endpoint: e.Name, Reason: reason, Detail: detail})
		}
		if gets {
			d.pending = append(d.pending, notification.PendingSummary{Endpoint: e.Name, Revision: part})
		}
	}
	d.suppressed = append(d.suppressed, suppressed...)
}

// causes lists everything that an outcome is made from and that differs, the
// weightiest first. If nothing differs, time alone has passed.
func (d *decision) causes(t notification.Type) []notification.Cause {
	if t == notification.AnalysisUpdate || t == notification.TagUpdate {
		return []notification.Cause{notification.CauseImage}
	}
	before, after := d.before.Basis, d.after.Basis
	var causes []notification.Cause
	for _, c := range []struct {
		differs bool
		cause   notification.Cause
	}{
		{d.before.Analyzed != d.after.Analyzed || t == notification.PolicyEval && failed(d.before) != failed(d.after), notification.CauseImage},
		{t == notification.PolicyEval && before.Bundle != after.Bundle, notification.CausePolicy},
		{slices.ContainsFunc(d.acceptances(), func(c acceptance.Change) bool { return c.ByPerson }), notification.CauseAcceptance},
		{before.Build != after.Build, notification.CauseFeed},
		{before.Matcher != after.Matcher || before.Analyzer != after.Analyzer, notification.CauseScanner},
		{slices.ContainsFunc(d.acceptances(), func(c acceptance.Change) bool { return c.End == acceptance.EndTime }), notification.CauseTime},
	} {
		if c.differs {
			causes = append(causes, c.cause)
		}
	}
	if causes == nil {
		return []notification.Cause{notification.CauseTime}
	}
	return causes
}

// acceptances are those that begin or cease to cover findings of the tag.
func (d *decision) acceptances() []acceptance.Change {
	if d.before.Basis.Acceptances == "" && d.after.Basis.Acceptances == "" {
		return nil
	}
	return acceptance.Changes(vuln.Diff(d.before.Vulnerabilities, d.after.Vulnerabilities).Updated, d.seen.Acceptances, d.now)
}

// failed reports that an image is why the tag's state is about an earlier one, which
// policies can judge.
func failed(s State) bool { return FailedImage(s.Problem, s.Resolved.Manifest) != nil }
