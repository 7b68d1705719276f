package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// feedRow is the one row that says what the stored findings are valid for.
type feedRow struct {
	Generation string
	Engine     string
	Checked    int64
	Problem    string
	StaleSince int64 `db:"stale_since"`
}

const feedQuery = `SELECT generation, engine, checked, problem, stale_since FROM feed`

func (t tx) feed(ctx context.Context) (feedRow, error) { return one[feedRow](ctx, t, feedQuery) }

// holdFeed is feed for transactions that store findings or move the generation:
// they follow one another.
func (t tx) holdFeed(ctx context.Context) (feedRow, error) {
	return one[feedRow](ctx, t, feedQuery+t.locking)
}

type generationRow struct {
	Content string
	State   string
	Reasons string
}

func (t tx) generation(ctx context.Context, checksum string) (row generationRow, found bool, err error) {
	return first[generationRow](ctx, t, `SELECT content, state, reasons FROM feed_generation WHERE checksum = ?`, checksum)
}

// Feed is the state of the vulnerability data.
func (s *Store) Feed(ctx context.Context) (watch.Feed, error) {
	var state watch.Feed
	err := s.view(ctx, "read the state of the feed", func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil {
			return err
		}
		state = watch.Feed{Engine: vuln.Engine(current.Engine), Checked: moment(current.Checked), StaleSince: moment(current.StaleSince)}
		if state.Problem, err = parseOptional[watch.Problem](current.Problem); err != nil {
			return err
		}
		return t.feedGenerations(ctx, current.Generation, &state)
	})
	return state, err
}

func (t tx) feedGenerations(ctx context.Context, current string, state *watch.Feed) error {
	rows, err := all[generationRow](ctx, t, `SELECT content, state, reasons FROM feed_generation ORDER BY saved`)
	if err != nil {
		return err
	}
	for _, row := range rows {
		generation, err := parse[vuln.Description](row.Content)
		if err != nil {
			return err
		}
		switch {
		case generation.Checksum == current:
			state.Current = &generation
		case row.State == string(watch.Previous):
			state.Previous = &generation
		case row.State == string(watch.Held):
			state.Held = &generation
			if state.Reasons, err = parse[[]string](row.Reasons); err != nil {
				return err
			}
		}
	}
	return nil
}

// GenerationState is what a generation is used for; "" if it was never seen, or
// was seen but nothing decided about it.
func (s *Store) GenerationState(ctx context.Context, checksum string) (watch.GenerationState, error) {
	var state watch.GenerationState
	err := s.view(ctx, "read the state of generation "+checksum, func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil || current.Generation == checksum {
			state = watch.Current
			return err
		}
		row, _, err := t.generation(ctx, checksum)
		state = watch.GenerationState(row.State)
		return err
	})
	return state, err
}

// SaveGeneration stores a generation and what was decided about it; "" for one
// that is to become the current one, which Advance makes it. One generation is
// held at a time, the last. fault.Conflict if the current one is to be held or
// rejected.
func (s *Store) SaveGeneration(ctx context.Context, generation vuln.Description, state watch.GenerationState, reasons []string, now time.Time) error {
	content, err := format(generation)
	if err != nil {
		return err
	}
	why, err := format(reasons)
	if err != nil {
		return err
	}
	return s.change(ctx, "save generation "+generation.Checksum, func(t tx) error {
		current, err := t.holdFeed(ctx)
		if err != nil {
			return err
		}
		if current.Generation == generation.Checksum && (state == watch.Held || state == watch.Rejected) {
			return fmt.Errorf("it is the current one and cannot become %s: %w", state, fault.Conflict)
		}
		if state == watch.Held {
			if err := t.run(ctx, `DELETE FROM feed_generation WHERE state = ?`, string(watch.Held)); err != nil {
				return err
			}
		}
		return t.run(ctx, `INSERT INTO feed_generation (checksum, content, state, reasons, saved) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (checksum) DO UPDATE SET content = excluded.content, state = excluded.state, reasons = excluded.reasons, saved = excluded.saved`,
			generation.Checksum, content, string(state), why, stamp(now))
	})
}

// NoteFeed stores why the source of the data could not be asked, nil when it
// could, and, unless zero, when it last was. A problem that persists keeps its
// Since.
func (s *Store) NoteFeed(ctx context.Context, checked time.Time, problem *watch.Problem) error {
	return s.change(ctx, "note the state of the feed", func(t tx) error {
		current, err := t.holdFeed(ctx)
		if err != nil {
			return err
		}
		previous, err := parseOptional[watch.Problem](current.Problem)
		if err != nil {
			return err
		}
		text, err := formatOptional(persisting(previous, problem))
		if err != nil {
			return err
		}
		return t.run(ctx, `UPDATE feed SET problem = ?, checked = ?`, text, max(current.Checked, stamp(checked)))
	})
}

// NoteStale stores since when the current data are too old; zero for data that
// are not.
func (s *Store) NoteStale(ctx context.Context, since time.Time) error {
	return s.change(ctx, "note the age of the feed", func(t tx) error {
		return t.run(ctx, `UPDATE feed SET stale_since = ?`, stamp(since))
	})
}

// SaveSums keeps what a later generation is compared with.
func (s *Store) SaveSums(ctx context.Context, generation string, sums []byte) error {
	return s.change(ctx, "save sums of generation "+generation, func(t tx) error {
		return t.run(ctx, `INSERT INTO feed_sums (generation, document) VALUES (?, ?)
			ON CONFLICT (generation) DO UPDATE SET document = excluded.document`, generation, compress(sums))
	})
}

// Sums is what SaveSums kept; fault.NotFound without.
func (s *Store) Sums(ctx context.Context, generation string) ([]byte, error) {
	var sums []byte
	err := s.view(ctx, "read sums of generation "+generation, func(t tx) error {
		document, err := one[[]byte](ctx, t, `SELECT document FROM feed_sums WHERE generation = ?`, generation)
		if err != nil {
			return err
		}
		sums, err = decompress(document)
		return err
	})
	return sums, err
}
