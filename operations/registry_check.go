package operations

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/token"
)

// CheckRegistry has a worker test the connection to a registry, with its own files and
// credentials. Secrets are not shown.
var CheckRegistry = Operation[RegistryCheck, polling.Report]{Name: "check-registry", Summary: "Have a worker test the connection to a registry",
	Method: http.MethodPost, Path: "/registries/check", Scope: token.Admin, Whole: true, do: checkRegistry}

// RegistryCheck names a registry.
type RegistryCheck struct {
	Name string `json:"name" minLength:"1" maxLength:"600" doc:"Its host, or a repository there, with or without a tag, which is resolved as well." example:"ghcr.io"`
}

func checkRegistry(ctx context.Context, s *System, request RegistryCheck) (report polling.Report, err error) {
	err = s.ask(ctx, "check registry "+request.Name, requestTimeout, func(ctx context.Context, c client.Client) (err error) {
		report, err = c.CheckRegistry(ctx, request.Name)
		return err
	})
	return report, refused(err)
}

// ListPolls lists the registries that have watched tags, with what their pollers say.
var ListPolls = Operation[RegistriesRequest, PollList]{Name: "list-polls", Summary: "List the registries that have watched tags, with their last check and their rate limit",
	Method: http.MethodGet, Path: "/registries/polls", Scope: token.Read, Whole: true, do: listPolls}

// PollList is a page of registries.
type PollList struct {
	Registries []RegistryPolls `json:"registries"`
	// Incomplete is why some are not asked: what is stored is shown of these.
	Incomplete string `json:"incomplete,omitempty" doc:"Why the workers did not answer for all of them; of the others, only what is stored is shown."`
	Next       string `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// RegistryPolls is how the checks of a registry go.
type RegistryPolls struct {
	Registry string            `json:"registry"`
	State    PollState         `json:"state" enum:"reachable,failing,unknown" doc:"Whether it responds; unknown before the first check, and while no worker can be asked."`
	Tags     int               `json:"tags"`
	Polled   time.Time         `json:"polled,omitzero"`
	Next     time.Time         `json:"next_poll,omitzero"`
	Problem  *Problem          `json:"problem,omitempty"`
	Limit    polling.RateLimit `json:"rate_limit"`
}

// PollState is whether a registry responds.
type PollState string

// The states of registries.
const (
	RegistryReachable PollState = "reachable"
	RegistryFailing   PollState = "failing"
	RegistryUnknown   PollState = "unknown"
)

func listPolls(ctx context.Context, s *System, request RegistriesRequest) (PollList, error) {
	none := PollList{}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	hosts, err := kept.Registries(ctx)
	if err != nil {
		return none, err
	}
	list := PollList{Registries: []RegistryPolls{}}
	if hosts, list.Next, err = part(request.Page, hosts); err != nil {
		return none, err
	}
	for _, host := range hosts {
		polls, err := kept.NextDue(ctx, host)
		if err != nil {
			return none, err
		}
		r := RegistryPolls{Registry: host, State: RegistryUnknown, Tags: polls.Tags, Next: polls.Next}
		if list.Incomplete == "" {
			if err := s.askPoller(ctx, &r); err != nil {
				list.Incomplete = errkind.Text(err)
			}
		}
		list.Registries = append(list.Registries, r)
	}
	// What does not respond is known even if no worker can be asked.
	found, err := kept.Conditions(ctx, condition.Scope{Kinds: []condition.Kind{condition.Unreachable}})
	for _, c := range condition.Confirmed(found) {
		for i, r := range list.Registries {
			if r.Registry == c.Name {
				list.Registries[i].State, list.Registries[i].Problem = RegistryFailing, ProblemOf(condition.ProblemOf(c))
			}
		}
	}
	return list, err
}

// askPoller adds what the poller of a registry says, if the registry was polled.
func (s *System) askPoller(ctx context.Context, r *RegistryPolls) error {
	err := s.ask(ctx, "ask the poller of "+r.Registry, queryTimeout, func(ctx context.Context, c client.Client) error {
		state, err := c.RegistryStatus(ctx, r.Registry)
		if err != nil || state.At.IsZero() {
			return err
		}
		r.State, r.Polled, r.Limit = RegistryReachable, state.At, state.Last.RateLimit
		if next := state.At.Add(state.Last.Wait); next.After(r.Next) {
			r.Next = next
		}
		return nil
	})
	if errors.Is(err, errkind.NotFound) {
		return nil // it has not been polled so far
	}
	return err
}
