package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/event"
)

func endpointShowCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show an endpoint's settings, and how deliveries to it go",
		UsageText:   "tagwatch endpoint show NAME",
		Description: "   tagwatch endpoint show ops\n   tagwatch endpoint show ops -o json",
		Flags:       []cli.Flag{outputFlag()},
		Action:      action(endpointShow),
	}
}

// endpointView is an endpoint for programs.
type endpointView struct {
	event.Endpoint
	// Deliveries are counted by state, Next is when the next is due.
	Deliveries map[event.DeliveryState]int `json:"deliveries"`
	Oldest     time.Time                   `json:"oldest_pending,omitzero"`
	Next       time.Time                   `json:"next_try,omitzero"`
	Health     event.Health                `json:"health"`
	GivenUp    event.GivenUp               `json:"given_up,omitzero"` // within the last day
}

func endpointShow(ctx context.Context, s *session) error {
	name, err := s.argument("NAME")
	if err != nil {
		return err
	}
	view, err := s.endpointView(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return noEndpoint(name)
	}
	if err != nil {
		return err
	}
	return s.show(view, func(w io.Writer) { s.writeEndpoint(w, view) })
}

func (s *session) endpointView(ctx context.Context, name string) (view endpointView, err error) {
	kept, err := s.store(ctx)
	if err != nil {
		return view, err
	}
	if view.Endpoint, err = kept.Endpoint(ctx, name); err != nil {
		return view, err
	}
	if view.Deliveries, err = kept.DeliveryCounts(ctx, name); err != nil {
		return view, err
	}
	lost, err := kept.GivenUp(ctx, s.now.Add(-event.GivenUpSpan))
	if err != nil {
		return view, err
	}
	view.GivenUp, view.Health = lost[name], view.State.Health(lost[name])
	backlog, err := kept.Backlog(ctx, name)
	view.Oldest = backlog.Oldest
	if !view.State.Disabled {
		view.Next = view.State.Resume(backlog.Next)
	}
	return view, err
}

func (s *session) writeEndpoint(w io.Writer, v endpointView) {
	var p pairs
	_, state := s.endpointState(v.Name, v.State, v.GivenUp)
	p.add("Endpoint", v.Name)
	p.add("URL", v.URL)
	p.add("State", state)
	p.add("Last answer", v.State.LastAnswer)
	p.add("Deliveries", deliveryCounts(v.Deliveries))
	p.add("Oldest pending", s.when(v.Oldest))
	p.add("Next try", s.when(v.Next))
	p.add("Types", cmp.Or(list(v.Types), "all but event_log"))
	p.add("Subjects", list(v.Subjects))
	p.add("Labels", assignments(v.Labels))
	p.add("ExplicitOnly", yes(v.ExplicitOnly))
	p.add("Format", string(cmp.Or(v.Format, event.FormatAnchore)))
	if v.MaxBody > 0 {
		p.add("Largest body", humanize.Bytes(uint64(v.MaxBody)))
	}
	p.add("Pace", paceLine(v.Pace))
	p.add("User", v.User)
	p.add("Password", string(v.Password))
	p.add("Token", string(v.Token))
	p.add("Signs with", list(v.Signing))
	p.add("Headers", assignments(v.Headers))
	p.add("Secret headers", assignments(v.HeaderRefs))
	p.add("Client certificate", v.CertFile)
	p.add("Its key", v.KeyFile)
	p.add("Authority", v.CAFile)
	p.add("Proxy", cmp.Or(v.Proxy, "the worker's (--webhook-proxy)"))
	p.add("Timeout", cmp.Or(v.Timeout, event.DefaultTimeout).String())
	p.write(w)
}

// deliveryCounts are numbers of deliveries by state.
func deliveryCounts(counts map[event.DeliveryState]int) string {
	var parts []string
	for _, state := range deliveryStates {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func assignments[T ~string](values map[string]T) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+"="+string(values[name]))
	}
	return strings.Join(parts, ", ")
}

func paceLine(p event.Pace) string {
	var parts []string
	if p.RateLimit > 0 {
		parts = append(parts, fmt.Sprintf("at most %d a minute", p.RateLimit))
	}
	if p.Digest > 0 {
		parts = append(parts, "together every "+p.Digest.String())
	}
	if p.DigestCount > 0 {
		parts = append(parts, fmt.Sprintf("or once %d wait", p.DigestCount))
	}
	if p.Debounce > 0 {
		parts = append(parts, "held back for "+p.Debounce.String()+", and not notified if undone by then")
	}
	return strings.Join(parts, ", ")
}
