package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// claimOf is what the audit trail says of a thing with an owner. Its subject is that of
// other changes of the thing.
func claimOf(key declaration.Key, owner string) (subject string, state audit.State) {
	claim := struct {
		Kind  declaration.Kind `json:"kind"`
		Name  string           `json:"name,omitempty"`
		Owner string           `json:"owner"`
	}{Kind: key.Kind, Owner: owner}
	subject = key.Name
	if key.Kind == declaration.OfAcceptance { // others are about the vulnerability
		if vulnerability, _, narrower := strings.Cut(key.Name, " "); narrower {
			subject, claim.Name = vulnerability, key.Name
		}
	}
	return subject, audit.Plain(claim)
}

// Claim has the things belong to the owner, whether they exist yet or not. If one of them
// belongs to another owner, it is declaration.Conflict and none is claimed. What deletes a
// thing also ends that it belongs to anybody.
func (s *Store) Claim(ctx context.Context, owner string, things []declaration.Key, now time.Time) error {
	things = slices.Clone(things)
	// One order for everybody, so that transactions cannot block each other.
	slices.SortFunc(things, func(a, b declaration.Key) int {
		return strings.Compare(string(a.Kind)+" "+a.Name, string(b.Kind)+" "+b.Name)
	})
	return s.change(ctx, "claim what is declared", func(t tx) error {
		before, err := t.owners(ctx)
		if err != nil {
			return err
		}
		var rows [][]any
		var changes []audit.Change
		for _, key := range things {
			rows = append(rows, []any{string(key.Kind), key.Name, owner})
			if before[key] == "" {
				subject, state := claimOf(key, owner)
				changes = append(changes, audit.Change{Action: audit.OwnerClaim, Subject: subject, After: state})
			}
		}
		if err := t.note(ctx, now, changes...); err != nil {
			return err
		}
		// A row that is there is locked, as another owner may just be claiming it.
		if err := t.insert(ctx, `declared (kind, name, owner)`, rows, `ON CONFLICT (kind, name) DO UPDATE SET owner = declared.owner`); err != nil {
			return err
		}
		owners, err := t.owners(ctx)
		if err != nil {
			return err
		}
		var conflict declaration.Conflict
		for _, key := range things {
			if owners[key] != owner {
				conflict = append(conflict, declaration.Taken(key, owners[key]))
			}
		}
		if len(conflict) > 0 {
			return conflict
		}
		return nil
	})
}

// Release ends that those things of the owner which do not exist belong to it: who makes
// one of them by hand has it.
func (s *Store) Release(ctx context.Context, owner string, things []declaration.Key, now time.Time) error {
	return s.change(ctx, "release what was not made", func(t tx) error {
		stored, err := t.things(ctx)
		if err != nil {
			return err
		}
		owners, err := t.owners(ctx)
		if err != nil {
			return err
		}
		for _, key := range things {
			exists := slices.ContainsFunc(stored, func(t declaration.Thing) bool { return t.Key == key })
			if exists || owners[key] != owner {
				continue
			}
			subject, state := claimOf(key, owner)
			if err := t.note(ctx, now, audit.Change{Action: audit.OwnerRelease, Subject: subject, Before: state}); err != nil {
				return err
			}
			if err := t.run(ctx, `DELETE FROM declared WHERE kind = ? AND name = ? AND owner = ?`, string(key.Kind), key.Name, owner); err != nil {
				return err
			}
		}
		return nil
	})
}

type ownerRow struct {
	Kind, Name, Owner string
}

func (t tx) owners(ctx context.Context) (map[declaration.Key]string, error) {
	rows, err := all[ownerRow](ctx, t, `SELECT kind, name, owner FROM declared`)
	owners := make(map[declaration.Key]string, len(rows))
	for _, row := range rows {
		owners[declaration.Key{Kind: declaration.Kind(row.Kind), Name: row.Name}] = row.Owner
	}
	return owners, err
}

// disown ends that a thing belongs to anybody.
func (t tx) disown(ctx context.Context, key declaration.Key) error {
	return t.run(ctx, `DELETE FROM declared WHERE kind = ? AND name = ?`, string(key.Kind), key.Name)
}

// disownTags does it for those of the tags to which only watched repositories and sources
// subscribe.
func (t tx) disownTags(ctx context.Context, targets []image.Target) error {
	kept, err := allIn[string](ctx, t, `SELECT DISTINCT target FROM subscription WHERE active AND repository = '' AND source = '' AND target IN (?)`, namesOf(targets))
	if err != nil {
		return err
	}
	var names []string
	for _, target := range targets {
		if !slices.Contains(kept, target.String()) {
			names = append(names, declaration.KeyOfTarget(target).Name)
		}
	}
	return runIn(ctx, t, `DELETE FROM declared WHERE kind = ? AND name IN (?)`, names, string(declaration.OfSubscription))
}

// disownAcceptance does it for acceptances that are all revoked.
func (t tx) disownAcceptance(ctx context.Context, key declaration.Key) error {
	left, err := t.acceptances(ctx)
	if err != nil || slices.ContainsFunc(left, func(a acceptance.Acceptance) bool { return declaration.KeyOfAcceptance(a) == key }) {
		return err
	}
	return t.disown(ctx, key)
}

// Things are all that can be declared and is stored, each with its owner, in the order of
// declaration.Kinds. What a watched repository or a source brought is not among them, and
// neither is a revoked acceptance.
func (s *Store) Things(ctx context.Context) (things []declaration.Thing, err error) {
	err = s.view(ctx, "read what can be declared", func(t tx) error {
		things, err = t.things(ctx)
		return err
	})
	return things, err
}

func (t tx) things(ctx context.Context) (things []declaration.Thing, err error) {
	owners, err := t.owners(ctx)
	if err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context) ([]declaration.Thing, error){t.declaredEndpoints, t.declaredBundles, t.declaredAcceptances, t.declaredRepositories, t.declaredSources, t.declaredTags} {
		some, err := read(ctx)
		if err != nil {
			return nil, err
		}
		things = append(things, some...)
	}
	for i, each := range things {
		things[i].Owner = owners[each.Key]
	}
	return things, nil
}

func (t tx) declaredEndpoints(ctx context.Context) (things []declaration.Thing, err error) {
	endpoints, err := t.endpoints(ctx)
	for _, e := range endpoints {
		things = append(things, declaration.Thing{Key: declaration.Key{Kind: declaration.OfEndpoint, Name: e.Name}, Endpoint: &e})
	}
	return things, err
}

func (t tx) declaredBundles(ctx context.Context) (things []declaration.Thing, err error) {
	rows, err := all[bundleRow](ctx, t, bundleQuery+` ORDER BY id`)
	if err != nil {
		return nil, err
	}
	bundles, err := convert(rows, bundleRow.bundle)
	for _, b := range bundles {
		things = append(things, declaration.Thing{Key: declaration.Key{Kind: declaration.OfPolicy, Name: b.ID},
			Bundle: &declaration.Bundle{ID: b.ID, Name: b.Name, Hash: b.Hash, Document: b.Document, Active: b.Active}})
	}
	return things, err
}

// declaredAcceptances has the last of those that are for the same.
func (t tx) declaredAcceptances(ctx context.Context) (things []declaration.Thing, err error) {
	accepted, err := t.acceptances(ctx)
	at := map[declaration.Key]int{}
	for _, a := range accepted {
		key := declaration.KeyOfAcceptance(a)
		i, found := at[key]
		if !found {
			at[key] = len(things)
			things = append(things, declaration.Thing{Key: key, Acceptance: &a})
			continue
		}
		things[i].Older = append(things[i].Older, things[i].Acceptance.ID)
		things[i].Acceptance = &a
	}
	slices.SortStableFunc(things, func(a, b declaration.Thing) int { return strings.Compare(a.Name, b.Name) })
	return things, err
}

func (t tx) declaredRepositories(ctx context.Context) (things []declaration.Thing, err error) {
	repositories, err := t.repositories(ctx)
	for _, r := range repositories {
		things = append(things, declaration.Thing{Key: declaration.KeyOfRepository(r.Name), Repository: &r})
	}
	return things, err
}

func (t tx) declaredSources(ctx context.Context) (things []declaration.Thing, err error) {
	sources, err := t.sources(ctx)
	for _, each := range sources {
		things = append(things, declaration.Thing{Key: declaration.Key{Kind: declaration.OfSource, Name: each.Name}, Source: &each})
	}
	return things, err
}

func (t tx) declaredTags(ctx context.Context) (things []declaration.Thing, err error) {
	rows, err := all[subscriptionRow](ctx, t, `SELECT `+subscriptionColumns+` FROM subscription WHERE active AND repository = '' AND source = '' ORDER BY target, type`)
	if err != nil {
		return nil, err
	}
	subs, err := convert(rows, subscriptionRow.subscription)
	if err != nil {
		return nil, err
	}
	intervals, err := all[pollRow](ctx, t, `SELECT name, poll FROM target WHERE poll <> 0`)
	polls := map[string]time.Duration{}
	for _, row := range intervals {
		polls[row.Name] = durationOf(row.Poll)
	}
	for _, sub := range subs {
		if n := len(things); n == 0 || things[n-1].Watched.Target != sub.Target {
			things = append(things, declaration.Thing{Key: declaration.KeyOfTarget(sub.Target),
				Watched: &declaration.Watched{Target: sub.Target, Types: map[notification.Type]subscription.Options{}, Poll: polls[sub.Target.String()]}})
		}
		things[len(things)-1].Watched.Types[sub.Type] = sub.Options
	}
	return things, err
}
