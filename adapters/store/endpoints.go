package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

type endpointRow struct {
	Content string
	State   string
}

func (r endpointRow) endpoint() (endpoint.Endpoint, error) {
	e, err := parse[endpoint.Endpoint](r.Content)
	if err != nil {
		return endpoint.Endpoint{}, err
	}
	e.State, err = parse[delivery.EndpointState](r.State)
	return e, err
}

// SaveEndpoint stores an endpoint, or new settings of one, which keeps its state.
func (s *Store) SaveEndpoint(ctx context.Context, endpoint endpoint.Endpoint, now time.Time) error {
	state, err := format(endpoint.State)
	if err != nil {
		return err
	}
	endpoint.State = delivery.EndpointState{}
	content, err := format(endpoint)
	if err != nil {
		return err
	}
	return s.change(ctx, "save endpoint "+endpoint.Name, func(t tx) error {
		before, err := t.endpointSettings(ctx, endpoint.Name)
		if err != nil {
			return err
		}
		change := audit.Change{Action: audit.EndpointUpdate, Subject: endpoint.Name, Before: before, After: settingsOf(endpoint)}
		if !before.Exists() {
			change.Action = audit.EndpointCreate
		}
		if err := t.note(ctx, now, change); err != nil {
			return err
		}
		return t.run(ctx, `INSERT INTO endpoint (name, content, state, created, updated) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET content = excluded.content, updated = excluded.updated`,
			endpoint.Name, content, state, toMicros(now), toMicros(now))
	})
}

// Endpoint reads one; errkind.NotFound if there is none of that name.
func (s *Store) Endpoint(ctx context.Context, name string) (endpoint.Endpoint, error) {
	var endpoint endpoint.Endpoint
	err := s.view(ctx, "read endpoint "+name, func(t tx) error {
		row, found, err := first[endpointRow](ctx, t, `SELECT content, state FROM endpoint WHERE name = ?`, name)
		if err != nil {
			return err
		}
		if !found {
			return errNoEndpoint
		}
		endpoint, err = row.endpoint()
		return err
	})
	return endpoint, err
}

var errNoEndpoint = fmt.Errorf("endpoint not found: %w", errkind.NotFound)

// Endpoints lists all endpoints by name.
func (s *Store) Endpoints(ctx context.Context) ([]endpoint.Endpoint, error) {
	var endpoints []endpoint.Endpoint
	err := s.view(ctx, "list endpoints", func(t tx) (err error) {
		endpoints, err = t.endpoints(ctx)
		return err
	})
	return endpoints, err
}

func (t tx) endpoints(ctx context.Context) ([]endpoint.Endpoint, error) {
	rows, err := all[endpointRow](ctx, t, `SELECT content, state FROM endpoint ORDER BY name`)
	if err != nil {
		return nil, err
	}
	return convert(rows, endpointRow.endpoint)
}

// DeleteEndpoint removes an endpoint; what was still to be delivered to it
// becomes failed. errkind.NotFound if there is none of that name.
func (s *Store) DeleteEndpoint(ctx context.Context, name string, now time.Time) error {
	return s.change(ctx, "delete endpoint "+name, func(t tx) error {
		before, err := t.endpointSettings(ctx, name)
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.EndpointDelete, Subject: name, Before: before}); err != nil {
			return err
		}
		n, err := t.exec(ctx, `DELETE FROM endpoint WHERE name = ?`, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoEndpoint
		}
		if err := t.disown(ctx, declaration.Key{Kind: declaration.OfEndpoint, Name: name}); err != nil {
			return err
		}
		if err := t.forgetConditions(ctx, condition.Endpoint, name); err != nil {
			return err
		}
		return t.run(ctx, `UPDATE delivery SET state = ?, answer = ? WHERE endpoint = ? AND state = ?`,
			string(delivery.Failed), delivery.EndpointDeleted, name, string(delivery.Pending))
	})
}

// endpointSettings are those of an endpoint, for the audit trail.
func (t tx) endpointSettings(ctx context.Context, name string) (audit.State, error) {
	content, found, err := first[string](ctx, t, `SELECT content FROM endpoint WHERE name = ?`+t.locking, name)
	if err != nil || !found {
		return audit.Absent, err
	}
	e, err := parse[endpoint.Endpoint](content)
	return settingsOf(e), err
}

// settingsOf are in the words of documents, without how deliveries go.
func settingsOf(e endpoint.Endpoint) audit.State {
	return audit.Hiding(declaration.EndpointOf(e), declaration.EndpointOf(e.Disclosed()))
}

// SwitchEndpoint disables an endpoint, or enables it, which also ends what is known of
// its failures and makes due all that is pending for it. errkind.NotFound if there is none
// of that name.
func (s *Store) SwitchEndpoint(ctx context.Context, name string, state delivery.EndpointState, now time.Time) error {
	text, err := format(state)
	if err != nil {
		return err
	}
	return s.change(ctx, "switch endpoint "+name, func(t tx) error {
		row, found, err := first[endpointRow](ctx, t, `SELECT content, state FROM endpoint WHERE name = ?`+t.locking, name)
		if err == nil && !found {
			err = errNoEndpoint
		}
		if err != nil {
			return err
		}
		before, err := row.endpoint()
		if err != nil {
			return err
		}
		change := audit.Change{Action: audit.EndpointEnable, Subject: name, Before: switchOf(before.State), After: switchOf(state)}
		if state.Disabled {
			change.Action = audit.EndpointDisable
		}
		if err := t.note(ctx, now, change); err != nil {
			return err
		}
		if err := t.run(ctx, `UPDATE endpoint SET state = ? WHERE name = ?`, text, name); err != nil || state.Disabled {
			return err
		}
		return t.makeDue(ctx, name, now)
	})
}

func switchOf(state delivery.EndpointState) audit.State {
	return audit.Plain(struct {
		Disabled bool   `json:"disabled"`
		Reason   string `json:"reason,omitempty"`
		Failing  bool   `json:"failing"`
	}{state.Disabled, state.Reason, !state.FailingSince.IsZero()})
}

// SetEndpointState stores how deliveries to the endpoint go; errkind.NotFound if
// there is none of that name.
func (s *Store) SetEndpointState(ctx context.Context, name string, state delivery.EndpointState) error {
	text, err := format(state)
	if err != nil {
		return err
	}
	return s.change(ctx, "save the state of endpoint "+name, func(t tx) error {
		n, err := t.exec(ctx, `UPDATE endpoint SET state = ? WHERE name = ?`, text, name)
		if err == nil && n == 0 {
			err = errNoEndpoint
		}
		return err
	})
}
