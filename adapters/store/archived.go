package store

import (
	"context"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// park keeps what was recorded of targets that a repository selects no longer.
// Whoever selects them by mistake for a while loses nothing.
func (t tx) park(ctx context.Context, targets []image.Target, now time.Time) error {
	for _, target := range targets {
		state, err := t.state(ctx, target)
		if err != nil {
			return err
		}
		if state.Revision == 0 {
			continue // nothing to compare with later
		}
		state.Problem = nil
		packed, err := pack(state)
		if err != nil {
			return err
		}
		err = t.run(ctx, `INSERT INTO archived (target, state, archived) VALUES (?, ?, ?)
			ON CONFLICT (target) DO UPDATE SET state = excluded.state, archived = excluded.archived`, target.String(), packed, toMicros(now))
		if err != nil {
			return err
		}
	}
	return nil
}

type archivedRow struct {
	Target string
	State  []byte
}

// unpark lets the targets of subscriptions go on from where they were when they
// were last selected.
func (t tx) unpark(ctx context.Context, subs []subscription.Subscription) error {
	var names []string
	for i, sub := range subs {
		if i == 0 || sub.Target != subs[i-1].Target {
			names = append(names, sub.Target.String())
		}
	}
	for some := range slices.Chunk(names, unparkedAtOnce) {
		rows, err := allIn[archivedRow](ctx, t, `SELECT target, state FROM archived
			WHERE NOT EXISTS (SELECT 1 FROM target_state WHERE target_state.target = archived.target) AND target IN (?)`, some)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := t.restore(ctx, row); err != nil {
				return err
			}
		}
	}
	return runIn(ctx, t, `DELETE FROM archived WHERE target IN (?)`, names)
}

// unparkedAtOnce bounds how many states are in memory: some are large.
const unparkedAtOnce = 50

func (t tx) restore(ctx context.Context, row archivedRow) error {
	target, err := image.ParseTarget(row.Target)
	if err != nil {
		return err
	}
	state, err := unpack[watch.State](row.State)
	if err != nil {
		return err
	}
	return t.saveStates(ctx, savedState{target, state})
}
