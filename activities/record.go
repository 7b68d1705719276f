package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Record evaluates the active bundle, decides what happened and stores it with
// its deliveries, in one transaction. Repeating it finds nothing to tell. A
// target that nobody is subscribed to any more has nothing to record.
func (a *Activities) Record(ctx context.Context, request watch.RecordRequest) (watch.Recorded, error) {
	defer heartbeat(ctx, func() any { return "recording" })()
	recorded, err := a.record(ctx, request)
	return recorded, classify(err)
}

func (a *Activities) record(ctx context.Context, request watch.RecordRequest) (watch.Recorded, error) {
	view, err := a.Store.View(ctx, request.Target)
	if err != nil || !view.Watched {
		return watch.Recorded{}, err
	}
	made, err := a.assess(ctx, request, view)
	if err != nil {
		return watch.Recorded{}, err
	}
	seen, err := a.seen(ctx, made, request, view)
	if err != nil {
		return watch.Recorded{}, err
	}
	return a.store(ctx, request.Target, view, seen)
}

// store decides and records, provided that the outcome was made from what is
// still current; otherwise the step is repeated.
func (a *Activities) store(ctx context.Context, target image.Target, made watch.RecordView, seen watch.Seen) (watch.Recorded, error) {
	var decision watch.Decision
	err := a.Store.Record(ctx, target, func(now watch.RecordView) (watch.Decision, error) {
		decision = watch.Decision{}
		if !now.Watched {
			return decision, nil
		}
		if now.State.Revision != made.State.Revision || !now.Like(made) {
			return watch.Decision{}, fmt.Errorf("record %s: the store changed during the evaluation: %w", target, errkind.Conflict)
		}
		var err error
		seen.Running = now.Running
		decision, err = watch.Decide(target, now.State, seen, a.audience(ctx, now), a.now())
		return decision, err
	})
	if err != nil {
		return watch.Recorded{}, err
	}
	a.logSuppressed(ctx, target.String(), decision.Suppressed)
	recorded := outcome(target, decision)
	if repeated(ctx) {
		// The first time may have stored deliveries and not have come to say so.
		recorded.Endpoints, err = a.Store.BacklogEndpoints(ctx)
	}
	return recorded, err
}

// logSuppressed lists what differs and is not notified.
func (a *Activities) logSuppressed(ctx context.Context, subject string, suppressed []notification.Suppression) {
	for _, s := range suppressed {
		if s.Differs() {
			a.Log.DebugContext(ctx, "change not notified", "subject", subject, "type", s.Type, "endpoint", s.Endpoint, "reason", s.Reason, "detail", s.Detail)
		}
	}
}

func (a *Activities) audience(ctx context.Context, view watch.RecordView) subscription.Audience {
	return subscription.Audience{Trace: a.trace(ctx), Account: a.Account.Name, Subscriptions: view.Subscriptions, Endpoints: view.Endpoints, RetryWindow: a.Window}
}

func outcome(target image.Target, d watch.Decision) watch.Recorded {
	recorded := watch.Recorded{Summary: d.State.Summarize(target)}
	for _, n := range d.Notifications {
		recorded.Notifications = append(recorded.Notifications, watch.Notified{ID: n.ID, Type: n.Type, Line: n.Summary, At: n.Created})
	}
	named := map[string]bool{}
	for _, delivery := range d.Deliveries {
		if !named[delivery.Endpoint] {
			named[delivery.Endpoint] = true
			recorded.Endpoints = append(recorded.Endpoints, delivery.Endpoint)
		}
	}
	return recorded
}

// assessment is what the store knows of an image as a tag's, and what the active bundle
// says of it. But for the tag's own, it holds for every tag with the same key.
type assessment struct {
	watch.Seen
	evaluation *policy.Evaluation // nil without
	postponed  error              // why there is none although there should be one
}

// assess gathers what the store knows of the image that counts: the one the tag
// points to, or while that is not analyzed, the last one that was.
func (a *Activities) assess(ctx context.Context, request watch.RecordRequest, view watch.RecordView) (assessment, error) {
	seen := assessment{Seen: watch.Seen{Resolved: request.Resolved, Analyzed: request.Resolved.Manifest, Problem: request.Problem,
		Basis: watch.Basis{Build: view.Build, Matcher: view.Matcher, Bundle: view.Bundle, Analyzer: view.State.Basis.Analyzer}}}
	analyzed, err := a.isAnalyzed(ctx, request.Resolved.Manifest)
	if err != nil {
		return seen, err
	}
	if request.Problem != nil || !analyzed {
		seen.Analyzed = view.State.Analyzed
	}
	if seen.Analyzed == "" {
		return seen, nil
	}
	subject, err := a.subject(ctx, request.Target, seen.Analyzed, view)
	if err != nil {
		return seen, err
	}
	subject.Failed = watch.FailedImage(request.Problem, request.Resolved.Manifest)
	if view.State.Matched && !subject.Matched {
		return assessment{Seen: unchanged(seen.Seen, view)}, nil
	}
	seen.Packages, seen.Unreadable = len(subject.Inventory.Packages), subject.Inventory.Unreadable
	seen.Coverage = subject.Feed.Coverage
	now := a.now()
	seen.Matched, seen.Basis.Acceptances = subject.Matched, acceptance.Key(subject.Acceptances)
	seen.Vulnerabilities = acceptance.Mark(vuln.Merge(vuln.Findings(subject.Matches)), subject.Acceptances, now)
	seen.Next = acceptance.Next(seen.Vulnerabilities)
	if err := a.analyzedBefore(ctx, &seen.Seen, view, subject.Inventory); err != nil {
		return seen, err
	}
	return seen, a.evaluate(ctx, &seen, view, subject, now)
}

// seen adds to an assessment what is the tag's own.
func (a *Activities) seen(ctx context.Context, made assessment, request watch.RecordRequest, view watch.RecordView) (watch.Seen, error) {
	seen := made.Seen
	seen.Resolved, seen.Problem, seen.Acceptances = request.Resolved, request.Problem, view.Acceptances
	if made.postponed != nil {
		if seen.Problem == nil {
			seen.Problem = problem(condition.StageEvaluate, made.postponed, view.State.Problem, a.now())
		}
		seen.Basis.Bundle, seen.Next = view.State.Basis.Bundle, a.now().Add(putOff)
	}
	if err := a.score(ctx, &seen, view); err != nil {
		return seen, err
	}
	if err := a.place(ctx, &seen, view); err != nil || made.evaluation == nil {
		return seen, err
	}
	e := made.evaluation.Under(request.Target.Reference)
	document, err := policy.Document(e, nil, a.Account.Name)
	if err != nil {
		return seen, err
	}
	seen.Evaluation = &watch.Evaluation{Digest: seen.Analyzed, Bundle: view.Bundle, Status: e.Status, FinalAction: e.FinalAction, Document: document}
	seen.LastBundle, err = a.bundleContent(ctx, view.State.Basis.Bundle)
	return seen, err
}

func (a *Activities) isAnalyzed(ctx context.Context, digest image.Digest) (bool, error) {
	header, err := a.Store.ImageHeader(ctx, digest)
	if errors.Is(err, errkind.NotFound) {
		return false, nil
	}
	return err == nil && header.Problem == nil, err
}

// score adds the probabilities of exploitation where a subscription asks for
// them.
func (a *Activities) score(ctx context.Context, seen *watch.Seen, view watch.RecordView) error {
	if !slices.ContainsFunc(view.Subscriptions, func(s subscription.Subscription) bool { return s.Options.NeedsScores(view.Endpoints) }) {
		return nil
	}
	keys := make([]string, len(seen.Vulnerabilities))
	for i, f := range seen.Vulnerabilities {
		keys[i] = f.Key()
	}
	scores, err := a.Store.Scores(ctx, keys)
	if err != nil {
		return err
	}
	seen.Vulnerabilities = vuln.WithScores(seen.Vulnerabilities, scores)
	return nil
}

// place adds where packages are, where a filter asks for it.
func (a *Activities) place(ctx context.Context, seen *watch.Seen, view watch.RecordView) (err error) {
	before := view.State.Analyzed
	if seen.Analyzed == "" || !slices.ContainsFunc(view.Subscriptions, func(s subscription.Subscription) bool { return s.Options.NeedsPlaces(view.Endpoints) }) {
		return nil
	}
	if seen.Places, err = a.Store.Places(ctx, seen.Analyzed); err != nil && !errors.Is(err, errkind.NotFound) {
		return err
	}
	seen.PlacesBefore = seen.Places
	if before != "" && before != seen.Analyzed {
		if seen.PlacesBefore, err = a.Store.Places(ctx, before); err != nil && !errors.Is(err, errkind.NotFound) {
			return err
		}
	}
	return nil
}

// subject is all that is known of an image. Another version of the matcher may
// see other groups of packages in it: those that it has matched count at once,
// also for an image that no later step would match, because the tag has left it.
func (a *Activities) subject(ctx context.Context, target image.Target, digest image.Digest, view watch.RecordView) (*policy.Input, error) {
	subject, err := a.Store.Subject(ctx, target, digest)
	if err != nil || subject.Matched || view.Matcher != a.Matcher.Version() {
		return subject, err
	}
	if err := a.group(ctx, digest); err != nil {
		if errors.Is(err, errkind.Invalid) {
			return subject, nil // the step that matches reports why
		}
		return nil, err
	}
	return a.Store.Subject(ctx, target, digest)
}

// unchanged is what was seen when the image lost its list of vulnerabilities
// after the step that made it, as to another version of the matcher. The last
// outcome stands, with what it was made from: the next resync sees that it is out
// of date, and compares like with like.
func unchanged(seen watch.Seen, view watch.RecordView) watch.Seen {
	return watch.Seen{Resolved: seen.Resolved, Analyzed: view.State.Analyzed, Problem: seen.Problem, Basis: view.State.Basis}
}

// analyzedBefore adds what the image's history tells: who analyzed it, since
// when it is known, and what differs from the image before it.
func (a *Activities) analyzedBefore(ctx context.Context, seen *watch.Seen, view watch.RecordView, inventory *sbom.Inventory) error {
	header, err := a.Store.ImageHeader(ctx, seen.Analyzed)
	if err != nil {
		return err
	}
	seen.Basis.Analyzer = header.Analyzer
	since := a.now() // the tag points to the image
	if view.State.Resolved.Manifest == seen.Analyzed {
		since = cmp.Or(view.State.Pending, view.State.Changed)
	}
	seen.Known = header.Analyzed.Before(since)
	if view.State.Analyzed == "" || view.State.Analyzed == seen.Analyzed {
		return nil
	}
	before, err := a.Store.Inventory(ctx, view.State.Analyzed)
	if errors.Is(err, errkind.NotFound) {
		return nil // no longer kept: the difference is left out
	}
	if err != nil {
		return err
	}
	difference := notification.DiffPackages(packagesOf(before), packagesOf(inventory))
	seen.Difference = &difference
	return nil
}

func packagesOf(inventory *sbom.Inventory) []vuln.Package {
	packages := make([]vuln.Package, len(inventory.Packages))
	for i, p := range inventory.Packages {
		packages[i] = vuln.Package{Name: p.Name, Version: p.Version, Type: p.Type, PURL: p.PURL}
	}
	return packages
}
