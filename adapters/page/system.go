package page

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
)

type endpointRow struct {
	endpoint.Endpoint
	Backlog   delivery.Backlog
	Delivered int
	Failed    int
	GivenUp   delivery.GivenUp // lately
}

// moods are the classes of an endpoint's badge.
var moods = map[delivery.Health]string{delivery.HealthDisabled: "open", delivery.HealthFailing: "bad", delivery.HealthGivingUp: "bad", delivery.HealthUntried: "open", delivery.HealthGood: "good"}

// Mood is the class of its badge, Headline the word in it.
func (e endpointRow) Mood() string { return moods[e.State.Health(e.GivenUp)] }

// Headline is the health of its deliveries.
func (e endpointRow) Headline() string {
	return strings.ReplaceAll(string(e.State.Health(e.GivenUp)), "_", " ")
}

// Answer is the receiver's answer that explains the headline.
func (e endpointRow) Answer() string {
	switch e.State.Health(e.GivenUp) {
	case delivery.HealthDisabled:
		return e.State.Reason
	case delivery.HealthGivingUp:
		return e.GivenUp.Answer
	}
	return e.State.LastAnswer
}

func (s *Site) endpoints(ctx context.Context, p *parameters) (view, error) {
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).Endpoints(ctx)
	if err != nil {
		return view{}, err
	}
	lost, err := readingOf(ctx).GivenUp(ctx, s.Now().Add(-delivery.GivenUpSpan))
	if err != nil {
		return view{}, err
	}
	rows := make([]endpointRow, len(found))
	for i, endpoint := range found {
		rows[i].Endpoint, rows[i].GivenUp = endpoint, lost[endpoint.Name]
		if rows[i].Backlog, err = readingOf(ctx).Backlog(ctx, endpoint.Name); err != nil {
			return view{}, err
		}
		counts, err := readingOf(ctx).DeliveryCounts(ctx, endpoint.Name)
		if err != nil {
			return view{}, err
		}
		rows[i].Delivered, rows[i].Failed = counts[delivery.Delivered], counts[delivery.Failed]
	}
	return view{"endpoints", "Endpoints", rows}, nil
}

// registryRow is a registry with the last entry of the event log about it as a
// whole: its poll notices at once what each of its tags notices within an hour.
type registryRow struct {
	polling.RegistryState
	Down *notification.Notification // nil while it responds
}

// Mood is the class of its badge, Headline the word in it.
func (r registryRow) Mood() string {
	switch {
	case r.Down != nil, r.Failing > 0 && r.Failing == r.Tags:
		return "bad"
	case r.Failing > 0:
		return "doubtful"
	}
	return "good"
}

// Headline is the outcome of its checks.
func (r registryRow) Headline() string {
	switch {
	case r.Down != nil:
		return "unreachable"
	case r.Failing > 0:
		return fmt.Sprintf("%d failing", r.Failing)
	}
	return "healthy"
}

func (s *Site) registries(ctx context.Context, p *parameters) (view, error) {
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	states, err := readingOf(ctx).RegistryStates(ctx)
	if err != nil {
		return view{}, err
	}
	rows := make([]registryRow, len(states))
	for i, state := range states {
		rows[i].RegistryState = state
		last, err := readingOf(ctx).NotificationPage(ctx, NotificationFilter{Type: notification.EventLog, Subject: state.Registry, Limit: 1})
		if err != nil {
			return view{}, err
		}
		if len(last) > 0 && isError(last[0].Notification) {
			rows[i].Down = &last[0].Notification
		}
	}
	return view{"registries", "Registries", rows}, nil
}

// isError reports whether an entry of the event log is an error, and not the end
// of one.
func isError(n notification.Notification) bool {
	var payload struct {
		Event struct{ Level notification.Level }
	}
	return json.Unmarshal(n.Payload, &payload) == nil && payload.Event.Level == notification.LevelError
}

func (s *Site) feed(ctx context.Context, p *parameters) (view, error) {
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	state, err := readingOf(ctx).Feed(ctx)
	return view{"feed", "Vulnerability data", state}, err
}
