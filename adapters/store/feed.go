package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// feedRow is the one row that says what the stored findings are valid for.
type feedRow struct {
	Generation        string
	Engine            string
	Checked           int64
	Problem           string
	Status            string `db:"source_status"`
	Conditions        string
	ConditionsChanged int64 `db:"conditions_changed"`
}

const feedQuery = `SELECT generation, engine, checked, problem, source_status, conditions, conditions_changed FROM feed`

func (t tx) feed(ctx context.Context) (feedRow, error) { return one[feedRow](ctx, t, feedQuery) }

// holdFeed is feed for transactions that store findings or move the generation:
// they follow one another.
func (t tx) holdFeed(ctx context.Context) (feedRow, error) {
	return one[feedRow](ctx, t, feedQuery+t.locking)
}

type generationRow struct {
	Content string
	State   string
	Held    int64
	Reasons string
}

func (t tx) generation(ctx context.Context, checksum string) (row generationRow, found bool, err error) {
	return first[generationRow](ctx, t, `SELECT content, state, held, reasons FROM feed_generation WHERE checksum = ?`, checksum)
}

// Feed is the state of the vulnerability data.
func (s *Store) Feed(ctx context.Context) (watch.Feed, error) {
	var state watch.Feed
	err := s.view(ctx, "read the state of the feed", func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil {
			return err
		}
		state = watch.Feed{Engine: vuln.Engine(current.Engine), Checked: moment(current.Checked), Status: vuln.Lifecycle(current.Status),
			ConditionsChanged: moment(current.ConditionsChanged)}
		if state.Conditions, err = feedConditions(current); err != nil {
			return err
		}
		if state.Problem, err = parseOptional[watch.Problem](current.Problem); err != nil {
			return err
		}
		return t.feedGenerations(ctx, current.Generation, &state)
	})
	return state, err
}

func (t tx) feedGenerations(ctx context.Context, current string, state *watch.Feed) error {
	rows, err := all[generationRow](ctx, t, `SELECT content, state, held, reasons FROM feed_generation ORDER BY saved`)
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
		}
		if row.Held == 0 {
			continue
		}
		state.Held, state.HeldSince = &generation, moment(row.Held)
		if state.Reasons, err = parse[[]string](row.Reasons); err != nil {
			return err
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
		if state == "" && row.Held != 0 {
			state = watch.Held
		}
		return err
	})
	return state, err
}

// SaveGeneration stores a generation and what was decided about it; "" for one
// that is to become the current one, which Advance makes it. Held puts it on hold,
// whatever else it is; one generation is on hold at a time, the last. fault.Conflict
// if the current one is to be put on hold or rejected.
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
			return t.putOnHold(ctx, generation.Checksum, content, why, now)
		}
		return t.run(ctx, `INSERT INTO feed_generation (checksum, content, state, reasons, saved) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (checksum) DO UPDATE SET content = excluded.content, state = excluded.state, held = 0, reasons = excluded.reasons, saved = excluded.saved`,
			generation.Checksum, content, string(state), why, stamp(now))
	})
}

// putOnHold keeps since when a generation is on hold, and what else it is.
func (t tx) putOnHold(ctx context.Context, checksum, content, why string, now time.Time) error {
	if err := t.endHold(ctx, checksum); err != nil {
		return err
	}
	return t.run(ctx, `INSERT INTO feed_generation (checksum, content, state, held, reasons, saved) VALUES (?, ?, '', ?, ?, ?)
		ON CONFLICT (checksum) DO UPDATE SET content = excluded.content, reasons = excluded.reasons,
			held = CASE WHEN feed_generation.held <> 0 THEN feed_generation.held ELSE excluded.held END`,
		checksum, content, stamp(now), why, stamp(now))
}

// SeeGeneration notes that a generation is still listed: what was decided about it
// is not forgotten while it is.
func (s *Store) SeeGeneration(ctx context.Context, checksum string, now time.Time) error {
	return s.change(ctx, "see generation "+checksum, func(t tx) error {
		return t.run(ctx, `UPDATE feed_generation SET saved = ? WHERE checksum = ?`, stamp(now), checksum)
	})
}

// EndHold ends that a generation is on hold. If it comes again, it is judged anew.
func (s *Store) EndHold(ctx context.Context) error {
	return s.change(ctx, "end the hold of a generation", func(t tx) error {
		if _, err := t.holdFeed(ctx); err != nil {
			return err
		}
		return t.endHold(ctx, "")
	})
}

// endHold ends the hold of all generations but one. Those that are nothing else
// are forgotten.
func (t tx) endHold(ctx context.Context, but string) error {
	if err := t.run(ctx, `DELETE FROM feed_generation WHERE held <> 0 AND state = '' AND checksum <> ?`, but); err != nil {
		return err
	}
	return t.run(ctx, `UPDATE feed_generation SET held = 0, reasons = 'null' WHERE held <> 0 AND checksum <> ?`, but)
}

// NoteFeed stores why the source of the data could not be read, nil when it could,
// and, unless zero, when it last was and what status its listing stated. A problem
// that persists keeps its Since.
func (s *Store) NoteFeed(ctx context.Context, checked time.Time, status vuln.Lifecycle, problem *watch.Problem) error {
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
		return t.run(ctx, `UPDATE feed SET problem = ?, checked = ?, source_status = ?`,
			text, max(current.Checked, stamp(checked)), cmp.Or(string(status), current.Status))
	})
}

// NoteConditions replaces what was found wrong with the current data.
func (s *Store) NoteConditions(ctx context.Context, found []vuln.Condition, now time.Time) error {
	text, err := format(found)
	if err != nil {
		return err
	}
	return s.change(ctx, "note the conditions of the feed", func(t tx) error {
		return t.run(ctx, `UPDATE feed SET conditions = ?, conditions_changed = ?`, text, stamp(now))
	})
}

func feedConditions(row feedRow) ([]vuln.Condition, error) {
	if row.Conditions == "" {
		return nil, nil
	}
	return parse[[]vuln.Condition](row.Conditions)
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
