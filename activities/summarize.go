package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// summaryStore keeps what is notified in a summary rather than one by one.
type summaryStore interface {
	// Behind counts the tags that have yet to check what changed.
	Behind(ctx context.Context) (int, error)
	PendingSummary(ctx context.Context) ([]notification.PendingSummary, error)
	SendSummary(ctx context.Context, n notification.Notification, deliveries []delivery.Delivery, notified []notification.Revision) error
}

// Summarize tells each endpoint at once which lists changed with a new version
// of what analyzes or matches. While tags are behind, it waits for them, unless
// that takes too long: what they find is notified in the next summary.
func (a *Activities) Summarize(ctx context.Context, request databuild.SummarizeRequest) (databuild.Summarized, error) {
	defer heartbeat(ctx, func() any { return "gathering what changed" })()
	summarized, err := a.summarize(ctx, request)
	return summarized, classify(err)
}

func (a *Activities) summarize(ctx context.Context, request databuild.SummarizeRequest) (databuild.Summarized, error) {
	pending, err := a.Store.PendingSummary(ctx)
	if err != nil {
		return databuild.Summarized{}, err
	}
	behind, err := a.Store.Behind(ctx)
	if err != nil || behind > 0 && !request.Force {
		return databuild.Summarized{Behind: behind}, err
	}
	for _, s := range summaries(pending) {
		if err := a.notifySummary(ctx, s); err != nil {
			return databuild.Summarized{}, err
		}
	}
	return databuild.Summarized{Behind: behind, Notified: len(pending)}, a.wakeRepeated(ctx)
}

// wakeRepeated: a step that is repeated may have stored deliveries the first time
// and not have come to wake those who make them.
func (a *Activities) wakeRepeated(ctx context.Context) error {
	if !repeated(ctx) {
		return nil
	}
	endpoints, err := a.Store.BacklogEndpoints(ctx)
	if err != nil {
		return err
	}
	return a.WakeEndpoints(ctx, endpoints)
}

// summary is notified to endpoints that hear of the same.
type summary struct {
	endpoints []string
	revisions []notification.Revision
}

// summaries takes apart what endpoints are notified of, which follows one another by
// endpoint.
func summaries(pending []notification.PendingSummary) []summary {
	var all []summary
	for len(pending) > 0 {
		end := slices.IndexFunc(pending, func(g notification.PendingSummary) bool { return g.Endpoint != pending[0].Endpoint })
		if end < 0 {
			end = len(pending)
		}
		one := summary{endpoints: []string{pending[0].Endpoint}}
		for _, g := range pending[:end] {
			one.revisions = append(one.revisions, g.Revision)
		}
		pending = pending[end:]
		same := slices.IndexFunc(all, func(s summary) bool { return slices.Equal(s.revisions, one.revisions) })
		if same < 0 {
			all = append(all, one)
		} else {
			all[same].endpoints = append(all[same].endpoints, one.endpoints...)
		}
	}
	return all
}

func (a *Activities) notifySummary(ctx context.Context, s summary) error {
	id, entry := notification.Summarize(s.revisions)
	entry.At, entry.Resource.Account, entry.Service = a.now(), a.Account.Name, "tagwatch-worker"
	n, err := notification.New(a.heading(ctx, id, entry.At), entry)
	if err != nil {
		return err
	}
	if err := a.Store.SendSummary(ctx, n, delivery.Deliveries(n, s.endpoints, a.Window), s.revisions); err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "summary notified", "lists", len(s.revisions), "endpoints", strings.Join(s.endpoints, ","))
	return a.WakeEndpoints(ctx, s.endpoints)
}
