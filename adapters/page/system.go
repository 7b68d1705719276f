package page

import (
	"net/http"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/watch"
)

type endpointRow struct {
	event.Endpoint
	Backlog   watch.Backlog
	Delivered int
	Failed    int
}

// Mood is the class of its badge, Headline the word in it.
func (e endpointRow) Mood() string {
	switch {
	case e.State.Disabled:
		return "open"
	case e.State.Failing():
		return "bad"
	}
	return "good"
}

// Headline is how deliveries to it go.
func (e endpointRow) Headline() string {
	switch {
	case e.State.Disabled:
		return "disabled"
	case e.State.Failing():
		return "failing"
	}
	return "healthy"
}

func (s *site) endpoints(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := within(r)
	defer cancel()
	found, err := s.Read.Endpoints(ctx)
	if err != nil {
		s.problem(w, r, "endpoints", err)
		return
	}
	rows := make([]endpointRow, len(found))
	for i, endpoint := range found {
		rows[i].Endpoint = endpoint
		if rows[i].Backlog, err = s.Read.Backlog(ctx, endpoint.Name); err != nil {
			s.problem(w, r, "endpoints", err)
			return
		}
		counts, err := s.Read.DeliveryCounts(ctx, endpoint.Name)
		if err != nil {
			s.problem(w, r, "endpoints", err)
			return
		}
		rows[i].Delivered, rows[i].Failed = counts[event.Delivered], counts[event.Failed]
	}
	s.show(w, r, "endpoints", "endpoints", "Endpoints", rows)
}

func (s *site) registries(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := within(r)
	defer cancel()
	states, err := s.Read.RegistryStates(ctx)
	if err != nil {
		s.problem(w, r, "registries", err)
		return
	}
	s.show(w, r, "registries", "registries", "Registries", states)
}

func (s *site) feed(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := within(r)
	defer cancel()
	state, err := s.Read.Feed(ctx)
	if err != nil {
		s.problem(w, r, "feed", err)
		return
	}
	s.show(w, r, "feed", "feed", "Vulnerability data", state)
}
