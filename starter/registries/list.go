package registries

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// The states of a registry in a list.
const (
	registryAnswers = "reachable"
	registryFails   = "failing"
	registryUnknown = "unknown" // no poll so far, or no worker to ask
)

func registryListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the registries of watched tags",
		UsageText: "tagwatch registry list [options]",
		Description: `Shows the state of each registry, its rate limit and the next check. While Temporal
is not reachable, only the names and numbers of tags are shown.

   tagwatch registry list
   tagwatch registry list -o json`,
		Flags:  session.ListFlags(),
		Action: session.Bare(registryList),
	}
}

// registryView is a registry for programs.
type registryView struct {
	Registry  string              `json:"registry"`
	State     string              `json:"state"`
	Tags      int                 `json:"tags"`
	Polled    time.Time           `json:"polled,omitzero"`
	Next      time.Time           `json:"next_poll,omitzero"`
	Problem   *operations.Problem `json:"problem,omitempty"`
	RateLimit polling.RateLimit   `json:"rate_limit"`
}

func registryList(ctx context.Context, s *session.Session) error {
	kept, err := s.Store(ctx)
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
	askPollers(ctx, s, views)
	if err := addConditions(ctx, kept, views); err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[registryView]{Items: views, Name: func(v registryView) string { return v.Registry }, People: func(w io.Writer, views []registryView) { writeRegistries(s, w, views) }})
}

// askPollers adds the state of the pollers that respond.
func askPollers(ctx context.Context, s *session.Session, views []registryView) {
	if len(views) == 0 {
		return
	}
	linked, err := s.Temporal(ctx)
	for i := range views {
		if err == nil {
			err = linked.Ask(ctx, "query the poller of "+views[i].Registry, session.QueryTimeout, func(ctx context.Context) error {
				return askPoller(ctx, s, linked, &views[i])
			})
		}
		if errors.Is(err, errkind.NotFound) {
			err = nil // it has not been polled so far
		}
	}
	if err != nil {
		s.Say("Showing database contents only: %s", exit.Sentence(err))
	}
}

// addConditions adds the registries that do not respond, even if no worker does.
func addConditions(ctx context.Context, kept *store.Store, views []registryView) error {
	list, err := kept.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unreachable}})
	for _, c := range condition.Confirmed(list) {
		for i := range views {
			if views[i].Registry == c.Name {
				views[i].State, views[i].Problem = registryFails, operations.ProblemOf(condition.ProblemOf(c))
			}
		}
	}
	return err
}

func askPoller(ctx context.Context, s *session.Session, linked *session.Link, view *registryView) error {
	state, err := linked.Client.RegistryStatus(ctx, view.Registry)
	if err != nil || state.At.IsZero() {
		return err
	}
	view.State, view.Polled, view.RateLimit = registryAnswers, state.At, state.Last.RateLimit
	if next := state.At.Add(state.Last.Wait); next.After(view.Next) {
		view.Next = next
	}
	return nil
}

func writeRegistries(s *session.Session, w io.Writer, views []registryView) {
	if len(views) == 0 {
		s.Say("No tag is watched yet; watch one with: tagwatch subscribe REF")
		return
	}
	t := output.NewTable("REGISTRY", "STATE", "TAGS", "POLLED", "NEXT", "LIMIT", "PROBLEM").Drop("LIMIT", "NEXT", "TAGS")
	for _, v := range views {
		style, state, problem := output.Ordinary, v.State, ""
		if v.Problem != nil {
			style, problem = output.Bad, v.Problem.Message
			state += ", began " + s.Ago(v.Problem.Since)
		} else if v.RateLimit.Refused != "" {
			style, problem = output.Doubtful, "invalid settings ignored: "+v.RateLimit.Refused
		}
		t.Row(style, v.Registry, state, strconv.Itoa(v.Tags), s.Ago(v.Polled), s.Ago(v.Next), output.Dash(limitWords(v.RateLimit)), problem)
	}
	t.Write(w)
}
