package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/page"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/workflows"
)

// leastToken is the shortest token of the status page, in characters.
const leastToken = 16

// newPage makes the status page, which needs no token where only this machine reaches it.
func newPage(settings config.Worker, keeper *store.Store, now func() time.Time, logger *slog.Logger) (statusPage, error) {
	token, err := statusToken(settings)
	if err != nil {
		return nil, err
	}
	open := token == "" && loopback(settings.Listen)
	if token == "" && !open {
		logger.Warn("status page shown to tokens of the HTTP API only; set --status-token (TAGWATCH_STATUS_TOKEN) for a form to sign in", "listen", settings.Listen)
	}
	ui := ""
	if settings.TemporalUI != "" {
		ui = strings.TrimRight(settings.TemporalUI, "/") + "/namespaces/" + client.Namespace()
	}
	read := pageReader{keeper, now}
	return page.New(page.Options{Read: read, Within: read.within, Open: open, Token: token, Tokens: keeper, Sessions: keeper, UI: ui, WorkflowID: workflows.WatchTagID,
		Version: version, Now: now, Log: logger})
}

func statusToken(settings config.Worker) (string, error) {
	if settings.StatusToken == "" {
		return "", nil
	}
	token, err := webhook.ReadSecret(endpoint.SecretRef(settings.StatusToken))
	if err != nil {
		return "", fmt.Errorf("read the token of the status page (--status-token, TAGWATCH_STATUS_TOKEN): %w", err)
	}
	if len(token) < leastToken {
		return "", fmt.Errorf("the token of the status page (--status-token, TAGWATCH_STATUS_TOKEN) has fewer than %d characters; make one with: openssl rand -hex 32", leastToken)
	}
	return token, nil
}

// loopback reports whether only this machine reaches an address.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// pageReader reads from the store what the status page shows.
type pageReader struct {
	*store.Store
	now func() time.Time
}

// Installation implements page.Reader.
func (p pageReader) Installation(ctx context.Context) (page.Installation, error) {
	totals, err := p.Totals(ctx, p.now())
	if err != nil {
		return page.Installation{}, err
	}
	o := page.Installation{Pass: totals.TagsByStatus[policy.Pass], Fail: totals.TagsByStatus[policy.Fail], NotEvaluated: totals.TagsByStatus[""], NotCovered: totals.NotCovered,
		PendingDeliveries: totals.DeliveriesByState[delivery.Pending], FailedDeliveries: totals.DeliveriesByState[delivery.Failed],
		FeedBuilt: totals.FeedBuilt, FeedHeld: totals.FeedHeld, FeedFailing: totals.FeedFailing, FeedConditions: len(totals.FeedConditions), NotApplied: totals.NotApplied,
		Endpoints: totals.EndpointsByHealth, Overloads: overload.Find(totals.Queues, p.now())}
	for _, failing := range totals.FailingByKind {
		o.FailingTags += failing
	}
	return o, nil
}

// Notification implements page.Reader.
func (p pageReader) NotificationPage(ctx context.Context, filter page.NotificationFilter) ([]page.Notification, error) {
	return p.notifications(ctx, filter, nil)
}

// notifications are those about some subjects; nil for all.
func (p pageReader) notifications(ctx context.Context, filter page.NotificationFilter, subjects []string) ([]page.Notification, error) {
	asked := store.NotificationFilter{Before: filter.Before, Subject: filter.Subject, Subjects: subjects, Limit: filter.Limit, Newest: true}
	if filter.Type != "" {
		asked.Types = []notification.Type{filter.Type}
	}
	found, err := p.Notifications(ctx, asked)
	notified := make([]page.Notification, len(found))
	for i, n := range found {
		notified[i] = page.Notification{Seq: n.Seq, Notification: n.Notification}
	}
	return notified, err
}

// NotificationByID implements page.Reader.
func (p pageReader) NotificationByID(ctx context.Context, id string) (notification.Notification, error) {
	found, err := p.Notification(ctx, id)
	return found.Notification, err
}

// DeliveriesOf implements page.Reader.
func (p pageReader) DeliveriesOf(ctx context.Context, notification string) ([]delivery.Delivery, error) {
	return p.Deliveries(ctx, store.DeliveryFilter{Notification: notification})
}
