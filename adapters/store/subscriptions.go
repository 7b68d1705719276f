package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

type subscriptionRow struct {
	Target     string
	Type       string
	Active     bool
	Options    string
	Repository string
	Source     string
	Created    int64
	Updated    int64
}

const subscriptionColumns = `target, type, active, options, repository, source, created, updated`

// Subscribe activates each subscription, with its options, and begins to watch
// its target. A poll of zero keeps the target's own interval. A subscription
// that a person made is not taken over by one that a watched repository or a source
// brings, and neither is that of another.
func (s *Store) Subscribe(ctx context.Context, subs []subscription.Subscription, poll time.Duration, now time.Time) error {
	return s.change(ctx, "subscribe", func(t tx) error {
		var targets []image.Target
		for _, sub := range subs {
			if !slices.Contains(targets, sub.Target) {
				targets = append(targets, sub.Target)
			}
		}
		return t.noteSubscriptions(ctx, targets, now, func() error { return t.subscribe(ctx, subs, poll, now) })
	})
}

func (t tx) subscribe(ctx context.Context, subs []subscription.Subscription, poll time.Duration, now time.Time) error {
	subs = slices.Clone(subs)
	// One order for everybody, so that transactions cannot block each other.
	slices.SortStableFunc(subs, func(a, b subscription.Subscription) int {
		return cmp.Or(strings.Compare(a.Target.String(), b.Target.String()), strings.Compare(string(a.Type), string(b.Type)))
	})
	var targets []image.Target
	for i, sub := range subs {
		if i == 0 || sub.Target != subs[i-1].Target {
			targets = append(targets, sub.Target)
		}
	}
	if err := t.watch(ctx, targets, poll, now); err != nil {
		return err
	}
	return t.notingDockerfiles(ctx, targets, now, func() error { return t.activate(ctx, subs, now) })
}

// notingDockerfiles has the outcomes of targets made anew whose Dockerfile a change of
// their subscriptions replaces, adds or takes away: they are due for an evaluation.
func (t tx) notingDockerfiles(ctx context.Context, targets []image.Target, now time.Time, change func() error) error {
	names := namesOf(targets)
	before, err := t.activeSubscriptions(ctx, names)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := t.activeSubscriptions(ctx, names)
	if err != nil {
		return err
	}
	differ := slices.DeleteFunc(names, func(name string) bool {
		return subscription.Dockerfile(before[name]) == subscription.Dockerfile(after[name])
	})
	return runIn(ctx, t, `UPDATE target_state SET next_change = ? WHERE target IN (?)`, differ, toMicros(now))
}

// watchChunk is how many targets one statement of watch begins to watch.
const watchChunk = 50

// watch makes sure that the targets are there, locked, and due early enough for a
// new interval. Each is due together with other platforms of the tag, for one
// request to be enough.
func (t tx) watch(ctx context.Context, targets []image.Target, poll time.Duration, now time.Time) error {
	const row = `(?, ?, ?, ?, coalesce((SELECT min(due) FROM target WHERE poll = ? AND (name = ? OR name > ? AND name < ?)), ?))`
	next := toMicros(now.Add(poll))
	for some := range slices.Chunk(targets, watchChunk) {
		var args []any
		for _, target := range some {
			tag := target.Reference.String()
			args = append(args, target.String(), target.Reference.Registry, target.Reference.Repository.String(), poll.Microseconds(),
				poll.Microseconds(), tag, tag+"@", tag+"A", toMicros(now))
		}
		err := t.run(ctx, `INSERT INTO target (name, registry, repository, poll, due) VALUES `+row+strings.Repeat(`, `+row, len(some)-1)+`
			ON CONFLICT (name) DO UPDATE SET
				poll = CASE WHEN excluded.poll = 0 THEN target.poll ELSE excluded.poll END,
				due = CASE WHEN excluded.poll IN (0, target.poll) OR target.due < ? THEN target.due ELSE ? END`,
			append(args, next, next)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// activate takes subscriptions in order of their keys; of several with the same
// key, the last one counts.
func (t tx) activate(ctx context.Context, subs []subscription.Subscription, now time.Time) error {
	var rows [][]any
	for i, sub := range subs {
		if i+1 < len(subs) && subs[i+1].Target == sub.Target && subs[i+1].Type == sub.Type {
			continue
		}
		options, err := format(sub.Options)
		if err != nil {
			return err
		}
		rows = append(rows, []any{sub.Target.String(), string(sub.Type), true, options, repositoryText(sub.Repository), sub.Source, toMicros(now), toMicros(now)})
	}
	return t.insert(ctx, `subscription (target, type, active, options, repository, source, created, updated)`, rows, `ON CONFLICT (target, type) DO UPDATE
		SET active = TRUE, options = excluded.options, repository = excluded.repository, source = excluded.source, updated = excluded.updated
		WHERE excluded.repository = '' AND excluded.source = '' OR NOT subscription.active
			OR subscription.repository = excluded.repository AND subscription.source = excluded.source`)
}

// Subscriptions lists those that the filter selects, by target, then by type.
func (s *Store) Subscriptions(ctx context.Context, filter subscription.Filter) ([]subscription.Subscription, error) {
	var subs []subscription.Subscription
	err := s.view(ctx, "list subscriptions", func(t tx) error {
		found, err := t.subscriptions(ctx, filter)
		subs = found
		return err
	})
	return subs, err
}

// SubscriptionsOf are the active subscriptions of several targets, each sorted by type.
func (s *Store) SubscriptionsOf(ctx context.Context, targets []image.Target) (map[image.Target][]subscription.Subscription, error) {
	found := map[image.Target][]subscription.Subscription{}
	err := s.view(ctx, "list subscriptions of tags", func(t tx) error {
		subscribed, err := t.activeSubscriptions(ctx, namesOf(targets))
		for _, target := range targets {
			if list := subscribed[target.String()]; list != nil {
				found[target] = list
			}
		}
		return err
	})
	return found, err
}

func (t tx) subscriptions(ctx context.Context, filter subscription.Filter) ([]subscription.Subscription, error) {
	var where conditions
	if filter.Target != nil {
		where.add("target = ?", filter.Target.String())
	}
	if filter.Repository != nil {
		where.add("repository = ?", filter.Repository.String())
	}
	if filter.Type != "" {
		where.add("type = ?", string(filter.Type))
	}
	if filter.ActiveOnly {
		where.add("active")
	}
	rows, err := all[subscriptionRow](ctx, t,
		`SELECT `+subscriptionColumns+` FROM subscription`+where.text()+` ORDER BY target, type`, where.args...)
	if err != nil {
		return nil, err
	}
	return convert(rows, subscriptionRow.subscription)
}

func (r subscriptionRow) subscription() (subscription.Subscription, error) {
	target, err := image.ParseTarget(r.Target)
	if err != nil {
		return subscription.Subscription{}, err
	}
	repository, err := parseRepository(r.Repository)
	if err != nil {
		return subscription.Subscription{}, err
	}
	options, err := parse[subscription.Options](r.Options)
	return subscription.Subscription{Target: target, Type: notification.Type(r.Type), Active: r.Active, Options: options,
		Repository: repository, Source: r.Source, Created: timeOf(r.Created), Updated: timeOf(r.Updated)}, err
}

// repositoryText is "" for the zero value.
func repositoryText(r image.Repository) string {
	if r == (image.Repository{}) {
		return ""
	}
	return r.String()
}

func parseRepository(text string) (image.Repository, error) {
	if text == "" {
		return image.Repository{}, nil
	}
	return image.ParseRepository(text)
}
