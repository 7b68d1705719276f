package page

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// rowsPerPage is how many rows the other lists have.
const rowsPerPage = 50

// DeliveryFilter selects deliveries.
type DeliveryFilter struct {
	Endpoint string
	State    delivery.State
	Before   int64 // ID; 0 for the newest
	Limit    int
}

type deliveriesPage struct {
	Filter DeliveryFilter
	States []delivery.State
	Rows   []delivery.Delivery
	Pager  pager
}

func (s *Site) deliveries(ctx context.Context, p *parameters) (view, error) {
	page := deliveriesPage{States: []delivery.State{delivery.Pending, delivery.Delivered, delivery.Failed, delivery.Debounced}}
	page.Filter = DeliveryFilter{Endpoint: p.text("endpoint"), State: choice(p, "state", page.States...), Before: p.number("before"), Limit: rowsPerPage + 1}
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).DeliveryPage(ctx, page.Filter)
	if err != nil {
		return view{}, err
	}
	page.Rows, page.Pager = older(p, "/deliveries", rowsPerPage, found, func(d delivery.Delivery) int64 { return d.ID })
	return view{"deliveries", "Deliveries", page}, nil
}

// Repository is a watched repository.
type Repository struct {
	taglist.Repository
	State taglist.State
	Tags  int // that are watched, on all platforms
}

// Failing reports that its tags cannot be listed.
func (r Repository) Failing() *condition.Problem { return r.State.Problem }

type repositoriesPage struct {
	Rows  []Repository
	Pager pager
}

func (s *Site) repositories(ctx context.Context, p *parameters) (view, error) {
	cursor := p.cursor(rowsPerPage)
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).RepositoryPage(ctx, cursor)
	if err != nil {
		return view{}, err
	}
	var page repositoriesPage
	page.Rows, page.Pager = window(p, "/repositories", cursor, found, func(r Repository) string { return r.Name.String() })
	return view{"repositories", "Repositories", page}, nil
}

// Source is a place that brings tags, without what may be a secret.
type Source struct {
	source.Source
	State source.State
	Tags  int // that it brings
}

// Wrong is why it cannot be read, or is not believed; nil if all is well.
func (s Source) Wrong() *condition.Problem { return s.State.Wrong() }

// Mood is the class of its badge, Headline the word in it.
func (s Source) Mood() string {
	switch {
	case s.State.Unconfirmed():
		return "doubtful"
	case s.Wrong() != nil:
		return "bad"
	case !s.State.Listed:
		return "open"
	}
	return "good"
}

// Headline is the outcome of its last reading.
func (s Source) Headline() string {
	switch s.Mood() {
	case "doubtful":
		return "waits to be confirmed"
	case "bad":
		return "failing"
	case "open":
		return "not read yet"
	}
	return "healthy"
}

// NotFollowed is how many references that were found in it are not watched.
func (s Source) NotFollowed() int {
	number := 0
	for _, found := range s.State.Found {
		if !found.Followed() {
			number++
		}
	}
	return number
}

type sourcesPage struct {
	Rows  []Source
	Pager pager
}

func (s *Site) sources(ctx context.Context, p *parameters) (view, error) {
	cursor := p.cursor(rowsPerPage)
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).SourcePage(ctx, cursor)
	if err != nil {
		return view{}, err
	}
	var page sourcesPage
	page.Rows, page.Pager = window(p, "/sources", cursor, found, func(each Source) string { return each.Name })
	return view{"sources", "Sources", page}, nil
}

// auditPage is what people and programs changed.
type auditPage struct {
	Who, Subject, Since string
	Rows                []audit.Entry
	Pager               pager
}

func (s *Site) audit(ctx context.Context, p *parameters) (view, error) {
	page := auditPage{Who: p.text("who"), Subject: p.text("subject"), Since: p.text("since")}
	filter := audit.Filter{Since: p.day("since"), Who: page.Who, Subject: page.Subject, Before: p.number("before"), Limit: rowsPerPage + 1}
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).Audit(ctx, filter)
	if err != nil {
		return view{}, err
	}
	page.Rows, page.Pager = older(p, "/audit", rowsPerPage, found, func(e audit.Entry) int64 { return e.ID })
	return view{"audit", "Audit trail", page}, nil
}
