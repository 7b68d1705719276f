package page

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

const (
	findingsPerPage    = 100
	shownRows          = 200 // of the policies' findings
	shownNotifications = 10
	shownUnreadable    = 100
)

// tagPage is everything about one tag.
type tagPage struct {
	Summary      watch.Summary
	Index        image.Digest
	Types        []notification.Type
	Pin          image.Digest // that the tag was to point to
	LeftPin      bool
	Workflow     string // its address in Temporal's Web UI; empty without
	Rows         []policy.ResultRow
	MoreRows     int
	Chart        *chart
	Findings     []vuln.Finding
	Total        int
	First        int
	Last         int
	Pager        pager
	Notification []notificationRow
	Build        string
	// Unreadable are files that could not be read for their packages; there are
	// MoreUnreadable others.
	Unreadable     []sbom.Unreadable
	MoreUnreadable int
	// Running is what workloads run of the tag; nil if no source says so.
	Running *workload.Running
}

// notificationRow is a notification with its deliveries.
type notificationRow struct {
	Notification
	Line       string // the summary, without the subject where the page is about it
	Deliveries []delivery.Delivery
}

func (s *Site) tag(ctx context.Context, query url.Values) (view, error) {
	page, err := s.tagPage(ctx, query)
	return view{"tag", page.Summary.Target.String(), page}, err
}

func (s *Site) tagPage(ctx context.Context, query url.Values) (page tagPage, err error) {
	target, err := image.ParseTarget(query.Get("name"))
	if err != nil {
		return page, err
	}
	view, err := s.Read.View(ctx, target)
	if err != nil {
		return page, err
	}
	if !view.Watched {
		return page, fmt.Errorf("%s is not watched: %w", target, errkind.NotFound)
	}
	page = tagPage{Summary: view.State.Summarize(target), Index: view.State.Resolved.Index, Workflow: s.workflow(target),
		Build: view.State.Basis.Build, Running: workload.Summarize(view.Running)}
	for _, subscription := range view.Subscriptions {
		page.Types, page.Pin = append(page.Types, subscription.Type), cmp.Or(page.Pin, subscription.Options.Pin)
	}
	page.LeftPin = view.State.Resolved.LeftPin(page.Pin)
	page.rows(view.State.Evaluation)
	page.findings(view.State.Vulnerabilities, query)
	unreadable, err := s.Read.Unreadable(ctx, view.State.Analyzed)
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return page, err
	}
	page.MoreUnreadable = max(0, len(unreadable)-shownUnreadable)
	page.Unreadable = unreadable[:len(unreadable)-page.MoreUnreadable]
	histories, err := s.Read.Histories(ctx, []image.Target{target})
	if err != nil {
		return page, err
	}
	page.Chart = newChart(histories[target], s.Now())
	page.Notification, err = s.notified(ctx, NotificationFilter{Subject: target.String(), Limit: shownNotifications})
	return page, err
}

// workflow is the address of a tag's workflow in Temporal's Web UI.
func (s *Site) workflow(target image.Target) string {
	if s.UI == "" {
		return ""
	}
	return s.UI + "/workflows/" + url.PathEscape(s.WorkflowID(target))
}

// rows shows what the policies found, the stops first.
func (p *tagPage) rows(evaluation *watch.Evaluation) {
	if evaluation == nil {
		return
	}
	rows, err := policy.ResultRows(evaluation.Document)
	if err != nil {
		return // the page still shows the status
	}
	slices.SortStableFunc(rows, func(a, b policy.ResultRow) int { return cmp.Compare(rank(a), rank(b)) })
	p.MoreRows = max(0, len(rows)-shownRows)
	p.Rows = rows[:len(rows)-p.MoreRows]
}

func rank(row policy.ResultRow) int {
	switch {
	case row.Whitelist != "":
		return 3
	case row.Action == policy.Stop:
		return 0
	case row.Action == policy.Warn:
		return 1
	}
	return 2
}

// findings shows a page of the vulnerabilities, the most severe first.
func (p *tagPage) findings(all []vuln.Finding, query url.Values) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b vuln.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Package.Name, b.Package.Name))
	})
	number := pageNumber(query, "v")
	from := min((number-1)*findingsPerPage, len(sorted))
	to := min(from+findingsPerPage, len(sorted))
	p.Findings, p.Total, p.First, p.Last = sorted[from:to], len(sorted), from+1, to
	p.Pager = numbered("/tag", query, "v", number, to < len(sorted))
}

// notified reads notifications with their deliveries.
func (s *Site) notified(ctx context.Context, filter NotificationFilter) ([]notificationRow, error) {
	found, err := s.Read.NotificationPage(ctx, filter)
	if err != nil {
		return nil, err
	}
	rows := make([]notificationRow, len(found))
	for i, one := range found {
		rows[i].Notification, rows[i].Line = one, one.Summary
		if filter.Subject != "" {
			rows[i].Line = strings.TrimPrefix(one.Summary, filter.Subject+": ")
		}
		if rows[i].Deliveries, err = s.Read.DeliveriesOf(ctx, one.ID); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
