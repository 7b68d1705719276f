package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// The states of a registry in a list.
const (
	registryAnswers = "answers"
	registryFails   = "failing"
	registryUnknown = "unknown" // no poll so far, or nobody to ask
)

func registryListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the registries of watched tags",
		UsageText: "tagwatch registry list [options]",
		Description: `Shows how each is doing, what it allows, and when its tags are looked at next.
Without Temporal, only which there are.

   tagwatch registry list
   tagwatch registry list -o json`,
		Flags:  []cli.Flag{outputFlag()},
		Action: bare(registryList),
	}
}

// registryView is a registry for programs.
type registryView struct {
	Registry  string                  `json:"registry"`
	State     string                  `json:"state"`
	Tags      int                     `json:"tags"`
	Polled    time.Time               `json:"polled,omitzero"`
	Next      time.Time               `json:"next_poll,omitzero"`
	Problem   *problemView            `json:"problem,omitempty"`
	RateLimit watch.RegistryRateLimit `json:"rate_limit"`
}

func registryList(ctx context.Context, s *session) error {
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	hosts, err := kept.Registries(ctx)
	if err != nil {
		return err
	}
	views := []registryView{}
	for _, host := range hosts {
		polls, err := kept.NextDue(ctx, host)
		if err != nil {
			return err
		}
		views = append(views, registryView{Registry: host, State: registryUnknown, Tags: polls.Tags, Next: polls.Next})
	}
	s.askPollers(ctx, views)
	return s.show(views, func(w io.Writer) { s.writeRegistries(w, views) })
}

// askPollers completes what the database knows. Whoever does not answer leaves
// it as it is.
func (s *session) askPollers(ctx context.Context, views []registryView) {
	if len(views) == 0 {
		return
	}
	linked, err := s.temporal(ctx)
	for i := range views {
		if err == nil {
			err = linked.ask(ctx, "ask the poller of "+views[i].Registry, queryTimeout, func(ctx context.Context) error {
				return s.askPoller(ctx, linked, &views[i])
			})
		}
		if errors.Is(err, errkind.NotFound) {
			err = nil // it has not been polled so far
		}
	}
	if err != nil {
		s.say("Only what is in the database: %s", sentence(err))
	}
}

func (s *session) askPoller(ctx context.Context, linked *link, view *registryView) error {
	state, err := linked.client.RegistryStatus(ctx, view.Registry)
	if err != nil || state.At.IsZero() {
		return err
	}
	view.State, view.Polled, view.RateLimit = registryAnswers, state.At, state.Last.RateLimit
	if state.Problem != nil {
		view.State, view.Problem = registryFails, problemViewOf(state.Problem)
	}
	if next := state.At.Add(state.Last.Wait); next.After(view.Next) {
		view.Next = next
	}
	return nil
}

func (s *session) writeRegistries(w io.Writer, views []registryView) {
	if len(views) == 0 {
		s.say("No tag is watched; watch one with: tagwatch subscribe REFERENCE")
		return
	}
	t := newTable("REGISTRY", "STATE", "TAGS", "SWEPT", "NEXT", "LIMIT", "PROBLEM")
	for _, v := range views {
		style, state, problem := ordinary, v.State, ""
		if v.Problem != nil {
			style, problem = bad, v.Problem.Message
			state += " since " + s.ago(v.Problem.Since)
		} else if v.RateLimit.Refused != "" {
			style, problem = doubtful, "changed settings refused: "+v.RateLimit.Refused
		}
		t.row(style, v.Registry, state, strconv.Itoa(v.Tags), s.ago(v.Polled), s.ago(v.Next), dash(limitWords(v.RateLimit)), problem)
	}
	t.write(w)
}
