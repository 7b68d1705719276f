package store

import (
	"cmp"
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// The kinds of documents of a target.
const (
	kindVulnerabilities = "vulnerabilities"
	kindEvaluation      = "evaluation"
)

// stateRow is a target's state without its documents.
type stateRow struct {
	Target      string
	Revision    int64
	Manifest    string
	IndexDigest string `db:"index_digest"`
	Since       int64
	Analyzed    string
	Pending     int64
	Build       string
	Matcher     string
	Bundle      string
	Analyzer    string
	Acceptances string
	Matched     bool
	Critical    int
	High        int
	Medium      int
	Low         int
	Negligible  int
	Unknown     int
	Status      string
	FinalAction string `db:"final_action"`
	Problem     string
	Checked     int64
	Changed     int64
	NextChange  int64 `db:"next_change"`
	coverageState
	// Of the target; only a summary has them.
	Poll         int64
	PollInterval int64 `db:"poll_interval"`
	Polled       int64
	Due          int64
}

// coverageState is a target's coverage as it was recorded.
type coverageState struct {
	Coverage     string
	Distribution string
	NotCovered   string `db:"not_covered"`
	EndOfLife    int64  `db:"end_of_life"`
}

func (c coverageState) coverage() vuln.Coverage {
	return vuln.Coverage{State: vuln.CoverageState(c.Coverage), Distribution: c.Distribution, Reason: c.NotCovered, EndOfLife: timeOf(c.EndOfLife)}
}

const stateColumns = `revision, manifest, index_digest, since, analyzed, pending, build, matcher, bundle, analyzer, acceptances, matched,
	critical, high, medium, low, negligible, unknown, status, final_action, problem, checked, changed, next_change, coverage, distribution, not_covered, end_of_life`

func (r stateRow) resolved() image.Resolved {
	return image.Resolved{Manifest: image.Digest(r.Manifest), Index: image.Digest(r.IndexDigest)}
}

func (r stateRow) counts() vuln.Counts {
	return vuln.Counts{Critical: r.Critical, High: r.High, Medium: r.Medium, Low: r.Low, Negligible: r.Negligible, Unknown: r.Unknown}
}

func (r stateRow) state() (watch.State, error) {
	problem, err := parseOptional[condition.Problem](r.Problem)
	return watch.State{
		Revision: r.Revision,
		Resolved: r.resolved(),
		Since:    timeOf(r.Since),
		Analyzed: image.Digest(r.Analyzed),
		Pending:  timeOf(r.Pending),
		Basis:    watch.Basis{Build: r.Build, Matcher: vuln.Matcher(r.Matcher), Bundle: r.Bundle, Analyzer: r.Analyzer, Acceptances: r.Acceptances},
		Matched:  r.Matched,
		Counts:   r.counts(),
		Problem:  problem,
		Checked:  timeOf(r.Checked),
		Changed:  timeOf(r.Changed),
		Next:     timeOf(r.NextChange),
		Coverage: r.coverage(),
	}, err
}

func (r stateRow) summary() (watch.Summary, error) {
	state, err := r.state()
	if err != nil {
		return watch.Summary{}, err
	}
	target, err := image.ParseTarget(r.Target)
	summary := state.Summarize(target)
	summary.Status, summary.FinalAction = policy.Status(r.Status), policy.Action(r.FinalAction)
	summary.Checked = timeOf(max(r.Checked, r.Polled))
	summary.Interval, summary.NextCheck = durationOf(cmp.Or(r.Poll, r.PollInterval)), timeOf(r.Due)
	return summary, err
}

// state reads all that was recorded of a target; the zero State for nothing.
func (t tx) state(ctx context.Context, target image.Target) (watch.State, error) {
	states, err := t.states(ctx, []string{target.String()})
	return states[target.String()], err
}

type targetDocumentRow struct {
	Target, Kind string
	Document     []byte
}

// states is state for several targets, by their names.
func (t tx) states(ctx context.Context, names []string) (map[string]watch.State, error) {
	rows, err := allIn[stateRow](ctx, t, `SELECT target, `+stateColumns+` FROM target_state WHERE target IN (?)`, names)
	if err != nil {
		return nil, err
	}
	states := make(map[string]watch.State, len(rows))
	for _, row := range rows {
		if states[row.Target], err = row.state(); err != nil {
			return nil, err
		}
	}
	documents, err := allIn[targetDocumentRow](ctx, t, `SELECT target, kind, document FROM target_document WHERE target IN (?)`, names)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		state, recorded := states[d.Target]
		if !recorded {
			continue
		}
		if d.Kind == kindEvaluation {
			state.Evaluation, err = unpack[*watch.Evaluation](d.Document)
		} else {
			state.Vulnerabilities, err = unpack[[]vuln.Finding](d.Document)
		}
		if err != nil {
			return nil, err
		}
		states[d.Target] = state
	}
	return states, nil
}

// savedState is what is to be recorded of a target.
type savedState struct {
	target image.Target
	watch.State
}

// saveStates replaces what is recorded of targets. A wake-up that a watcher was owed is
// of no use any more: who records knows the state.
func (t tx) saveStates(ctx context.Context, states ...savedState) error {
	var names []string
	var rows, documents [][]any
	without := map[string][]string{}
	for _, s := range states {
		name := s.target.String()
		problem, err := formatOptional(s.Problem)
		if err != nil {
			return err
		}
		sum := s.Summarize(s.target)
		names = append(names, name)
		rows = append(rows, []any{
			name, s.Revision, string(s.Resolved.Manifest), string(s.Resolved.Index), toMicros(s.Since), string(s.Analyzed), toMicros(s.Pending),
			s.Basis.Build, string(s.Basis.Matcher), s.Basis.Bundle, s.Basis.Analyzer, s.Basis.Acceptances, s.Matched,
			sum.Counts.Critical, sum.Counts.High, sum.Counts.Medium, sum.Counts.Low, sum.Counts.Negligible, sum.Counts.Unknown,
			string(sum.Status), string(sum.FinalAction), problem, toMicros(s.Checked), toMicros(s.Changed), toMicros(s.Next),
			string(s.Coverage.State), s.Coverage.Distribution, s.Coverage.Reason, toMicros(s.Coverage.EndOfLife),
		})
		for _, d := range []struct {
			kind  string
			value any
			none  bool
		}{{kindVulnerabilities, s.Vulnerabilities, s.Vulnerabilities == nil}, {kindEvaluation, s.Evaluation, s.Evaluation == nil}} {
			if d.none {
				without[d.kind] = append(without[d.kind], name)
				continue
			}
			packed, err := pack(d.value)
			if err != nil {
				return err
			}
			documents = append(documents, []any{name, d.kind, packed})
		}
	}
	if err := runIn(ctx, t, `DELETE FROM target_state WHERE target IN (?)`, names); err != nil {
		return err
	}
	if err := t.insert(ctx, `target_state (target, `+stateColumns+`)`, rows, ""); err != nil {
		return err
	}
	if err := t.nameImages(ctx, states); err != nil {
		return err
	}
	if err := t.noteCounts(ctx, names, states); err != nil {
		return err
	}
	for kind, names := range without {
		if err := runIn(ctx, t, `DELETE FROM target_document WHERE kind = ? AND target IN (?)`, names, kind); err != nil {
			return err
		}
	}
	return t.insert(ctx, `target_document (target, kind, document)`, documents,
		`ON CONFLICT (target, kind) DO UPDATE SET document = excluded.document WHERE target_document.document <> excluded.document`)
}

// Note stores, unless zero, when the registry was last checked, and, unless nil, why the
// tag's image cannot be analyzed. A problem that persists, one of the same kind at the
// same stage, keeps its Since. A target that nobody is subscribed to is ignored.
func (s *Store) Note(ctx context.Context, target image.Target, checked time.Time, problem *condition.Problem) error {
	return s.change(ctx, "note "+target.String(), func(t tx) error {
		watched, err := t.watched(ctx, target)
		if err != nil || !watched {
			return err
		}
		return t.noteTarget(ctx, target, checked, problem)
	})
}

func (t tx) noteTarget(ctx context.Context, target image.Target, checked time.Time, problem *condition.Problem) error {
	if err := t.run(ctx, `INSERT INTO target_state (target) VALUES (?) ON CONFLICT (target) DO NOTHING`, target.String()); err != nil {
		return err
	}
	if err := t.run(ctx, `UPDATE target_state SET checked = CASE WHEN checked > ? THEN checked ELSE ? END WHERE target = ?`,
		toMicros(checked), toMicros(checked), target.String()); err != nil || problem == nil {
		return err
	}
	text, err := one[string](ctx, t, `SELECT problem FROM target_state WHERE target = ?`, target.String())
	if err != nil {
		return err
	}
	previous, err := parseOptional[condition.Problem](text)
	if err != nil {
		return err
	}
	if text, err = format(persisting(previous, *problem)); err != nil {
		return err
	}
	return t.run(ctx, `UPDATE target_state SET problem = ? WHERE target = ?`, text, target.String())
}

// persisting is the problem with the beginning of the same one before it.
func persisting(previous *condition.Problem, problem condition.Problem) condition.Problem {
	if previous != nil && previous.Kind == problem.Kind && previous.Stage == problem.Stage {
		problem.Since = previous.Since
	}
	return problem
}

// watched reports whether the target has an active subscription, and makes
// transactions about it follow one another.
func (t tx) watched(ctx context.Context, target image.Target) (bool, error) {
	_, found, err := first[string](ctx, t, `SELECT name FROM target WHERE name = ?`+t.locking, target.String())
	return found, err
}
