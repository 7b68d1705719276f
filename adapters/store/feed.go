package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// feedRow is the one row that says what the stored findings are valid for.
type feedRow struct {
	Build   string
	Matcher string
	Checked int64
	Status  string `db:"source_status"`
}

const feedQuery = `SELECT build, matcher, checked, source_status FROM feed`

func (t tx) feed(ctx context.Context) (feedRow, error) { return one[feedRow](ctx, t, feedQuery) }

// holdFeed is feed for transactions that store findings or move the build:
// they follow one another.
func (t tx) holdFeed(ctx context.Context) (feedRow, error) {
	return one[feedRow](ctx, t, feedQuery+t.locking)
}

type buildRow struct {
	Content string
	State   string
	Held    int64
	Reasons string
}

func (t tx) build(ctx context.Context, checksum string) (row buildRow, found bool, err error) {
	return first[buildRow](ctx, t, `SELECT content, state, held, reasons FROM data_build WHERE checksum = ?`, checksum)
}

// Feed is the state of the vulnerability data.
func (s *Store) Feed(ctx context.Context) (databuild.Feed, error) {
	var state databuild.Feed
	err := s.view(ctx, "read the state of the feed", func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil {
			return err
		}
		state = databuild.Feed{Matcher: vuln.Matcher(current.Matcher), Checked: timeOf(current.Checked), Status: vuln.Lifecycle(current.Status)}
		if state.Conditions, err = t.conditions(ctx, condition.Scope{Kinds: vuln.ConditionKinds}, ""); err != nil {
			return err
		}
		if state.Problem, err = t.shown(ctx, condition.SourceUnreachable, condition.Data, condition.AllData); err != nil {
			return err
		}
		return t.feedBuilds(ctx, current.Build, &state)
	})
	return state, err
}

func (t tx) feedBuilds(ctx context.Context, current string, state *databuild.Feed) error {
	rows, err := all[buildRow](ctx, t, `SELECT content, state, held, reasons FROM data_build ORDER BY saved`)
	if err != nil {
		return err
	}
	for _, row := range rows {
		build, err := parse[vuln.Description](row.Content)
		if err != nil {
			return err
		}
		switch {
		case build.Checksum == current:
			state.Current = &build
		case row.State == string(databuild.Previous):
			state.Previous = &build
		}
		if row.Held == 0 {
			continue
		}
		state.Held, state.HeldSince = &build, timeOf(row.Held)
		if state.Reasons, err = parse[[]string](row.Reasons); err != nil {
			return err
		}
	}
	return nil
}

// BuildState is what a build is used for; "" if it was never seen, or
// was seen but nothing decided about it.
func (s *Store) BuildState(ctx context.Context, checksum string) (databuild.BuildState, error) {
	var state databuild.BuildState
	err := s.view(ctx, "read the state of build "+checksum, func(t tx) error {
		current, err := t.feed(ctx)
		if err != nil || current.Build == checksum {
			state = databuild.Current
			return err
		}
		row, _, err := t.build(ctx, checksum)
		state = databuild.BuildState(row.State)
		if state == "" && row.Held != 0 {
			state = databuild.Held
		}
		return err
	})
	return state, err
}

// SaveBuild stores a build and what was decided about it; "" for one
// that is to become the current one, which Advance makes it. Held puts it on hold,
// whatever else it is; one build is on hold at a time, the last. errkind.Conflict
// if the current one is to be put on hold or rejected.
func (s *Store) SaveBuild(ctx context.Context, build vuln.Description, state databuild.BuildState, reasons []string, now time.Time) error {
	content, err := format(build)
	if err != nil {
		return err
	}
	why, err := format(reasons)
	if err != nil {
		return err
	}
	return s.change(ctx, "save build "+build.Checksum, func(t tx) error {
		current, err := t.holdFeed(ctx)
		if err != nil {
			return err
		}
		if current.Build == build.Checksum && (state == databuild.Held || state == databuild.Rejected) {
			return fmt.Errorf("it is the current one and cannot become %s: %w", state, errkind.Conflict)
		}
		if state == databuild.Held {
			return t.putOnHold(ctx, build.Checksum, content, why, now)
		}
		if err := t.forgetConditions(ctx, condition.Data, build.Checksum); err != nil {
			return err
		}
		return t.run(ctx, `INSERT INTO data_build (checksum, content, state, reasons, saved) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (checksum) DO UPDATE SET content = excluded.content, state = excluded.state, held = 0, reasons = excluded.reasons, saved = excluded.saved`,
			build.Checksum, content, string(state), why, toMicros(now))
	})
}

// putOnHold keeps since when a build is on hold, and what else it is.
func (t tx) putOnHold(ctx context.Context, checksum, content, why string, now time.Time) error {
	if err := t.endHold(ctx, checksum); err != nil {
		return err
	}
	return t.run(ctx, `INSERT INTO data_build (checksum, content, state, held, reasons, saved) VALUES (?, ?, '', ?, ?, ?)
		ON CONFLICT (checksum) DO UPDATE SET content = excluded.content, reasons = excluded.reasons,
			held = CASE WHEN data_build.held <> 0 THEN data_build.held ELSE excluded.held END`,
		checksum, content, toMicros(now), why, toMicros(now))
}

// SeeBuild notes that a build is still listed: what was decided about it
// is not forgotten while it is.
func (s *Store) SeeBuild(ctx context.Context, checksum string, now time.Time) error {
	return s.change(ctx, "see build "+checksum, func(t tx) error {
		return t.run(ctx, `UPDATE data_build SET saved = ? WHERE checksum = ?`, toMicros(now), checksum)
	})
}

// EndHold ends that a build is on hold. If it comes again, it is judged anew.
func (s *Store) EndHold(ctx context.Context) error {
	return s.change(ctx, "end the hold of a build", func(t tx) error {
		if _, err := t.holdFeed(ctx); err != nil {
			return err
		}
		return t.endHold(ctx, "")
	})
}

// endHold ends the hold of all builds but one. Those that are nothing else
// are forgotten.
func (t tx) endHold(ctx context.Context, but string) error {
	if err := t.run(ctx, `DELETE FROM condition WHERE kind = ? AND name <> ?`, string(condition.OnHold), but); err != nil {
		return err
	}
	if err := t.run(ctx, `DELETE FROM data_build WHERE held <> 0 AND state = '' AND checksum <> ?`, but); err != nil {
		return err
	}
	return t.run(ctx, `UPDATE data_build SET held = 0, reasons = 'null' WHERE held <> 0 AND checksum <> ?`, but)
}

// NoteFeed stores, unless zero, when the source of the data was last read and what
// status its listing stated.
func (s *Store) NoteFeed(ctx context.Context, checked time.Time, status vuln.Lifecycle) error {
	return s.change(ctx, "note the state of the feed", func(t tx) error {
		current, err := t.holdFeed(ctx)
		if err != nil {
			return err
		}
		return t.run(ctx, `UPDATE feed SET checked = ?, source_status = ?`, max(current.Checked, toMicros(checked)), cmp.Or(string(status), current.Status))
	})
}

// SaveSums keeps what a later build is compared with.
func (s *Store) SaveSums(ctx context.Context, build string, sums []byte) error {
	return s.change(ctx, "save sums of build "+build, func(t tx) error {
		return t.run(ctx, `INSERT INTO feed_sums (build, document) VALUES (?, ?)
			ON CONFLICT (build) DO UPDATE SET document = excluded.document`, build, compress(sums))
	})
}

// Sums is what SaveSums kept; errkind.NotFound without.
func (s *Store) Sums(ctx context.Context, build string) ([]byte, error) {
	var sums []byte
	err := s.view(ctx, "read sums of build "+build, func(t tx) error {
		document, err := one[[]byte](ctx, t, `SELECT document FROM feed_sums WHERE build = ?`, build)
		if err != nil {
			return err
		}
		sums, err = decompress(document)
		return err
	})
	return sums, err
}
