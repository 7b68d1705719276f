package page

import (
	"cmp"
	"context"
	"errors"
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
	shownRows          = 20 // of the policies' findings on the page of a tag
	policyRowsPerPage  = 50 // on their own
	shownNotifications = 10
	shownUnreadable    = 20
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
	AllRows      int
	Unread       bool // the result of the policies could not be read
	Chart        *chart
	Filter       findingFilter
	Findings     []findingRow
	Total        int // vulnerabilities of the tag
	Selected     int // those that the filter selects
	First        int
	Last         int
	Pager        pager
	CSV, JSON    string // addresses of downloads, with the filter
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

func (s *Site) tag(ctx context.Context, p *parameters) (view, error) {
	target, filter, number := p.target("name"), p.findings(), p.page("v")
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	known, err := s.watched(ctx, target)
	if err != nil {
		return view{}, err
	}
	page := tagPage{Summary: known.State.Summarize(target), Index: known.State.Resolved.Index, Workflow: s.workflow(target), Build: known.State.Basis.Build,
		Running: workload.Summarize(known.Running), Filter: filter}
	for _, subscription := range known.Subscriptions {
		page.Types, page.Pin = append(page.Types, subscription.Type), cmp.Or(page.Pin, subscription.Options.Pin)
	}
	page.LeftPin = known.State.Resolved.LeftPin(page.Pin)
	rows, err := policyRows(known.State.Evaluation)
	page.Rows, page.AllRows, page.Unread = rows[:min(len(rows), shownRows)], len(rows), err != nil
	if err := s.showFindings(ctx, &page, known.State.Vulnerabilities, p, number); err != nil {
		return view{}, err
	}
	return view{"tag", target.String(), &page}, s.showRest(ctx, &page, target)
}

// showFindings shows a page of the vulnerabilities that the filter selects.
func (s *Site) showFindings(ctx context.Context, page *tagPage, all []vuln.Finding, p *parameters, number int) (err error) {
	found := page.Filter.selected(all)
	from := min((number-1)*findingsPerPage, len(found))
	to := min(from+findingsPerPage, len(found))
	page.Total, page.Selected, page.First, page.Last = len(all), len(found), from+1, to
	page.Pager = p.numbered("/tag", "v", number, to < len(found)).at("#vulnerabilities")
	page.CSV, page.JSON = p.link("/tag/vulnerabilities.csv", "v", ""), p.link("/tag/vulnerabilities.json", "v", "")
	page.Findings, err = s.scored(ctx, found[from:to])
	return err
}

// showRest shows what is read one by one.
func (s *Site) showRest(ctx context.Context, page *tagPage, target image.Target) error {
	unreadable, err := readingOf(ctx).Unreadable(ctx, page.Summary.Analyzed)
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return err
	}
	page.MoreUnreadable = max(0, len(unreadable)-shownUnreadable)
	page.Unreadable = unreadable[:len(unreadable)-page.MoreUnreadable]
	histories, err := readingOf(ctx).Histories(ctx, []image.Target{target})
	if err != nil {
		return err
	}
	page.Chart = newChart(histories[target], s.Now())
	page.Notification, err = s.notified(ctx, NotificationFilter{Subject: target.String(), Limit: shownNotifications})
	return err
}

// workflow is the address of a tag's workflow in Temporal's Web UI.
func (s *Site) workflow(target image.Target) string {
	if s.UI == "" {
		return ""
	}
	return s.UI + "/workflows/" + url.PathEscape(s.WorkflowID(target))
}

// policyRows are what the policies found, the stops first.
func policyRows(evaluation *watch.Evaluation) ([]policy.ResultRow, error) {
	if evaluation == nil {
		return nil, nil
	}
	rows, err := policy.ResultRows(evaluation.Document)
	slices.SortStableFunc(rows, func(a, b policy.ResultRow) int { return cmp.Compare(rank(a), rank(b)) })
	return rows, err
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

// policyPage is what the policies found about a tag.
type policyPage struct {
	Summary     watch.Summary
	Action      string
	Actions     []string
	Rows        []policy.ResultRow
	Selected    int
	First, Last int
	Pager       pager
}

// whitelisted selects rows that a whitelist or an acceptance waives.
const whitelisted = "whitelisted"

func (s *Site) tagPolicy(ctx context.Context, p *parameters) (view, error) {
	page := policyPage{Actions: []string{string(policy.Stop), string(policy.Warn), string(policy.Go), whitelisted}}
	target, number := p.target("name"), p.page("page")
	page.Action = choice(p, "action", page.Actions...)
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	known, err := s.watched(ctx, target)
	if err != nil {
		return view{}, err
	}
	rows, err := policyRows(known.State.Evaluation)
	if err != nil {
		return view{}, err
	}
	rows = slices.DeleteFunc(rows, func(row policy.ResultRow) bool { return page.Action != "" && page.Action != actionOf(row) })
	from := min((number-1)*policyRowsPerPage, len(rows))
	to := min(from+policyRowsPerPage, len(rows))
	page.Summary, page.Rows, page.Selected, page.First, page.Last = known.State.Summarize(target), rows[from:to], len(rows), from+1, to
	page.Pager = p.numbered("/tag/policy", "page", number, to < len(rows))
	return view{"policyrows", "What the policies found: " + target.String(), page}, nil
}

func actionOf(row policy.ResultRow) string {
	if row.Whitelist != "" {
		return whitelisted
	}
	return string(row.Action)
}

// notified reads notifications with their deliveries.
func (s *Site) notified(ctx context.Context, filter NotificationFilter) ([]notificationRow, error) {
	found, err := readingOf(ctx).NotificationPage(ctx, filter)
	if err != nil {
		return nil, err
	}
	return s.withDeliveries(ctx, found, filter.Subject)
}

// withDeliveries adds the deliveries of notifications. The subject that the page is about
// is left out of their lines.
func (s *Site) withDeliveries(ctx context.Context, found []Notification, subject string) (_ []notificationRow, err error) {
	rows := make([]notificationRow, len(found))
	for i, one := range found {
		rows[i].Notification, rows[i].Line = one, one.Summary
		if subject != "" {
			rows[i].Line = strings.TrimPrefix(one.Summary, subject+": ")
		}
		if rows[i].Deliveries, err = readingOf(ctx).DeliveriesOf(ctx, one.ID); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
