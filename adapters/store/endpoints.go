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
	Edition int64
	State   string
}

const endpointQuery = `SELECT content, edition, state FROM endpoint`

func (r endpointRow) endpoint() (endpoint.Endpoint, error) {
	e, err := parse[endpoint.Endpoint](r.Content)
	if err != nil {
		return endpoint.Endpoint{}, err
	}
	e.Edition = r.Edition
	e.State, err = parse[delivery.EndpointState](r.State)
	return e, err
}

// SaveEndpoint stores an endpoint, or new settings of one, which keeps its state.
func (s *Store) SaveEndpoint(ctx context.Context, saved endpoint.Endpoint, now time.Time) error {
	return s.change(ctx, "save endpoint "+saved.Name, func(t tx) error {
		_, err := t.editEndpoint(ctx, saved.Name, now, func(*endpoint.Endpoint) (endpoint.Endpoint, error) { return saved, nil })
		return err
	})
}

// EditEndpoint stores what a function makes of the settings of an endpoint, nil for one
// that does not exist, and returns it. The function sets fields, but nothing within maps and
// lists, which the stored ones share. An error of the function changes nothing.
func (s *Store) EditEndpoint(ctx context.Context, name string, now time.Time, edit func(before *endpoint.Endpoint) (endpoint.Endpoint, error)) (saved endpoint.Endpoint, err error) {
	err = s.change(ctx, "save endpoint "+name, func(t tx) (err error) {
		saved, err = t.editEndpoint(ctx, name, now, edit)
		return err
	})
	return saved, err
}

func (t tx) editEndpoint(ctx context.Context, name string, now time.Time, edit func(*endpoint.Endpoint) (endpoint.Endpoint, error)) (saved endpoint.Endpoint, err error) {
	edition, err := t.edit(ctx, "endpoint", name)
	if err != nil {
		return saved, err
	}
	before, err := t.storedEndpoint(ctx, name)
	if err != nil {
		return saved, err
	}
	if saved, err = edit(copyOf(before)); err != nil {
		return saved, err
	}
	saved.Edition = edition
	change := audit.Change{Action: audit.EndpointCreate, Subject: name, Before: audit.Absent, After: settingsOf(saved)}
	if before != nil {
		change.Action, change.Before = audit.EndpointUpdate, settingsOf(*before)
		saved.State = before.State
	}
	if err := t.note(ctx, now, change); err != nil {
		return saved, err
	}
	return saved, t.storeEndpoint(ctx, saved, now)
}

// copyOf is an endpoint of which a function may set the fields: the audit trail compares
// the result with the stored one.
func copyOf(stored *endpoint.Endpoint) *endpoint.Endpoint {
	if stored == nil {
		return nil
	}
	copied := *stored
	return &copied
}

func (t tx) storeEndpoint(ctx context.Context, saved endpoint.Endpoint, now time.Time) error {
	state, err := format(saved.State)
	if err != nil {
		return err
	}
	saved.State = delivery.EndpointState{}
	content, err := format(saved)
	if err != nil {
		return err
	}
	return t.run(ctx, `INSERT INTO endpoint (name, content, edition, state, created, updated) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET content = excluded.content, edition = excluded.edition, updated = excluded.updated`,
		saved.Name, content, saved.Edition, state, toMicros(now), toMicros(now))
}

// storedEndpoint is an endpoint that is about to be changed; nil if there is none of that
// name.
func (t tx) storedEndpoint(ctx context.Context, name string) (*endpoint.Endpoint, error) {
	row, found, err := first[endpointRow](ctx, t, endpointQuery+` WHERE name = ?`+t.locking, name)
	if err != nil || !found {
		return nil, err
	}
	e, err := row.endpoint()
	return &e, err
}

// Endpoint reads one; errkind.NotFound if there is none of that name.
func (s *Store) Endpoint(ctx context.Context, name string) (endpoint.Endpoint, error) {
	var endpoint endpoint.Endpoint
	err := s.view(ctx, "read endpoint "+name, func(t tx) error {
		row, found, err := first[endpointRow](ctx, t, endpointQuery+` WHERE name = ?`, name)
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
	rows, err := all[endpointRow](ctx, t, endpointQuery+` ORDER BY name`)
	if err != nil {
		return nil, err
	}
	return convert(rows, endpointRow.endpoint)
}

// DeleteEndpoint removes an endpoint; what was still to be delivered to it
// becomes failed. errkind.NotFound if there is none of that name.
func (s *Store) DeleteEndpoint(ctx context.Context, name string, now time.Time) error {
	return s.change(ctx, "delete endpoint "+name, func(t tx) error {
		before, err := t.changedEndpoint(ctx, name)
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.EndpointDelete, Subject: name, Before: settingsOf(*before)}); err != nil {
			return err
		}
		if err := t.run(ctx, `DELETE FROM endpoint WHERE name = ?`, name); err != nil {
			return err
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

// changedEndpoint is the endpoint that a change expects; errkind.NotFound if there is none
// of that name.
func (t tx) changedEndpoint(ctx context.Context, name string) (*endpoint.Endpoint, error) {
	if _, err := t.edit(ctx, "endpoint", name); err != nil {
		return nil, err
	}
	stored, err := t.storedEndpoint(ctx, name)
	if err == nil && stored == nil {
		err = errNoEndpoint
	}
	return stored, err
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
		before, err := t.changedEndpoint(ctx, name)
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
