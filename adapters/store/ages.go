package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// age is when a vulnerability of a package, and a fix for it, were first seen, in
// microseconds; 0 for never.
type age struct{ seen, fixed int64 }

// earlier is the earlier of both, each by itself.
func (a age) earlier(b age) age { return age{earliest(a.seen, b.seen), earliest(a.fixed, b.fixed)} }

func earliest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// ages are those of the packages of one group, by every name that a vulnerability
// has had. They belong to the vulnerability, not to a record: they outlive the
// records, so that an advisory that is withdrawn and reissued is as old as before.
type ages struct {
	known map[ageKey]age
	fresh map[ageKey]bool // differ from what is stored
}

type ageKey struct {
	member int
	name   string // lower-case
}

func newAges() ages { return ages{map[ageKey]age{}, map[ageKey]bool{}} }

// take adds findings that are seen now. All names of one vulnerability come to have
// one age; an advisory is as old as the oldest vulnerability that it covers, and
// makes none of them older.
func (a ages) take(found []vuln.GroupFinding, now int64) {
	for changed := true; changed; { // names may connect one finding with another
		changed = false
		for _, f := range found {
			since := a.since(f, now)
			for _, name := range f.Names() {
				changed = a.note(ageKey{f.Member, lower(name)}, since) || changed
			}
		}
	}
	for _, f := range found {
		if f.Several() {
			for _, name := range f.Refs() {
				a.note(ageKey{f.Member, lower(name)}, seenNow(f, now))
			}
		}
	}
	a.withdrawFixes(found)
}

// withdrawFixes forgets fixes that are said not to exist any more. A record that
// says nothing of a fix, or is gone, does not withdraw it.
func (a ages) withdrawFixes(found []vuln.GroupFinding) {
	fixed := map[ageKey]bool{}
	for _, f := range found {
		for _, name := range f.Refs() {
			of := ageKey{f.Member, lower(name)}
			fixed[of] = fixed[of] || f.Fix.State == vuln.FixKnown
		}
	}
	for _, f := range found {
		for _, name := range f.Names() {
			of := ageKey{f.Member, lower(name)}
			denied := f.Fix.State == vuln.FixNone || f.Fix.State == vuln.FixWont
			if is := a.known[of]; denied && !fixed[of] && is.fixed != 0 {
				a.known[of], a.fresh[of] = age{is.seen, 0}, true
			}
		}
	}
}

// since is the age of a finding that is seen now.
func (a ages) since(f vuln.GroupFinding, now int64) age {
	oldest, names := seenNow(f, now), f.Names()
	if f.Several() {
		names = f.Refs()
	}
	for _, name := range names {
		oldest = oldest.earlier(a.known[ageKey{f.Member, lower(name)}])
	}
	if f.Fix.State != vuln.FixKnown {
		oldest.fixed = 0
	}
	return oldest
}

func seenNow(f vuln.GroupFinding, now int64) age {
	if f.Fix.State == vuln.FixKnown {
		return age{now, now}
	}
	return age{now, 0}
}

// note remembers the earliest age of a name, and reports whether that is another
// than before.
func (a ages) note(key ageKey, since age) bool {
	before := a.known[key]
	after := before.earlier(since)
	if after == before {
		return false
	}
	a.known[key], a.fresh[key] = after, true
	return true
}

// of is the age of a finding that was taken.
func (a ages) of(f vuln.GroupFinding) age {
	is := a.known[ageKey{f.Member, lower(f.ID)}]
	if f.Fix.State != vuln.FixKnown {
		is.fixed = 0
	}
	return is
}

func lower(name string) string { return cleanText(strings.ToLower(name)) }

type ageRow struct {
	GroupID      int64 `db:"group_id"`
	Member       int
	Name         string
	FirstSeen    int64 `db:"first_seen"`
	FixFirstSeen int64 `db:"fix_first_seen"`
}

// ages reads those of groups.
func (t tx) ages(ctx context.Context, groups []int64) (map[int64]ages, error) {
	byGroup := make(map[int64]ages, len(groups))
	for _, id := range groups {
		byGroup[id] = newAges()
	}
	rows, err := allIn[ageRow](ctx, t, `SELECT group_id, member, name, first_seen, fix_first_seen FROM vulnerability_age WHERE group_id IN (?)`, groups)
	for _, row := range rows {
		byGroup[row.GroupID].known[ageKey{row.Member, row.Name}] = age{row.FirstSeen, row.FixFirstSeen}
	}
	return byGroup, err
}

// saveAges stores what was taken in.
func (t tx) saveAges(ctx context.Context, byGroup map[int64]ages) error {
	var rows [][]any
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		for key := range byGroup[group].fresh {
			is := byGroup[group].known[key]
			rows = append(rows, []any{group, key.member, key.name, is.seen, is.fixed})
		}
	}
	return t.insert(ctx, `vulnerability_age (group_id, member, name, first_seen, fix_first_seen)`, rows,
		`ON CONFLICT (group_id, member, name) DO UPDATE SET first_seen = excluded.first_seen, fix_first_seen = excluded.fix_first_seen`)
}

// unusedAge is the condition on an age whose name no finding of the group has.
const unusedAge = `NOT EXISTS (SELECT 1 FROM finding_reference r WHERE r.vulnerability = vulnerability_age.name AND r.group_id = vulnerability_age.group_id)`

// pruneAges removes the ages of names that have had no finding since before that
// time: a vulnerability that comes back later is new.
func (t tx) pruneAges(ctx context.Context, before, now time.Time) error {
	for _, step := range []struct {
		statement string
		arguments []any
	}{
		{`UPDATE vulnerability_age SET unused = 0 WHERE unused > 0 AND NOT (` + unusedAge + `)`, nil},
		{`UPDATE vulnerability_age SET unused = ? WHERE unused = 0 AND ` + unusedAge, []any{toMicros(now)}},
		{`DELETE FROM vulnerability_age WHERE unused > 0 AND unused < ?`, []any{toMicros(before)}},
	} {
		if err := t.run(ctx, step.statement, step.arguments...); err != nil {
			return err
		}
	}
	return nil
}
