package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/workload"
)

type sourceRow struct {
	Content   string
	Edition   int64
	Revision  int64
	Listed    bool
	Found     []byte
	Version   string
	Doubt     string
	Confirmed string
	Checked   int64
}

// SaveSource stores a source, or new settings of one, which keeps its state. What its
// server said of the text that was read is forgotten: it is read anew.
func (s *Store) SaveSource(ctx context.Context, saved source.Source, now time.Time) error {
	content, err := format(saved)
	if err != nil {
		return err
	}
	return s.change(ctx, "save source "+saved.Name, func(t tx) error {
		edition, err := t.edit(ctx, "source", saved.Name)
		if err != nil {
			return err
		}
		before, found, err := first[string](ctx, t, `SELECT content FROM source WHERE name = ?`+t.locking, saved.Name)
		if err != nil {
			return err
		}
		change := audit.Change{Action: audit.SourceWatch, Subject: saved.Name, After: sourceSettings(saved)}
		if found {
			former, err := parse[source.Source](before)
			if err != nil {
				return err
			}
			change.Action, change.Before = audit.SourceUpdate, sourceSettings(former)
		}
		if err := t.note(ctx, now, change); err != nil {
			return err
		}
		return t.run(ctx, `INSERT INTO source (name, content, edition, created, updated) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET content = excluded.content, edition = excluded.edition, version = '', updated = excluded.updated`,
			saved.Name, content, edition, toMicros(now), toMicros(now))
	})
}

// sourceSettings are what the audit trail says of a source, in the words of documents.
func sourceSettings(s source.Source) audit.State {
	written := func(s source.Source) declaration.Source {
		d := declaration.SourceOf(s)
		d.Types = s.Types // all types, too
		return d
	}
	return audit.Hiding(written(s), written(s.Disclosed()))
}

// Source reads a source and what was last recorded of it; errkind.NotFound if there is
// none of that name.
func (s *Store) Source(ctx context.Context, name string) (source.Source, source.State, error) {
	var view source.View
	err := s.view(ctx, "read source "+name, func(t tx) (err error) {
		view, err = t.source(ctx, name)
		return err
	})
	return view.Source, view.State, err
}

func errNoSource(name string) error {
	return fmt.Errorf("source %q does not exist: %w", name, errkind.NotFound)
}

func (t tx) source(ctx context.Context, name string) (view source.View, err error) {
	row, found, err := first[sourceRow](ctx, t, `SELECT content, edition, revision, listed, found, version, doubt, confirmed, checked FROM source WHERE name = ?`+t.locking, name)
	if err != nil {
		return view, err
	}
	if !found {
		return view, errNoSource(name)
	}
	if view.Source, err = parse[source.Source](row.Content); err != nil {
		return view, err
	}
	view.State = source.State{Edition: row.Edition, Revision: row.Revision, Listed: row.Listed, Version: row.Version, Doubt: row.Doubt, Confirmed: row.Confirmed, Checked: timeOf(row.Checked)}
	if row.Found != nil {
		if view.State.Found, err = unpack[[]source.Found](row.Found); err != nil {
			return view, err
		}
	}
	if view.State.Members, err = t.members(ctx, name); err != nil {
		return view, err
	}
	if view.State.Problem, err = t.shown(ctx, condition.Unreadable, condition.Source, name); err != nil {
		return view, err
	}
	view.State.Waiting, err = t.shown(ctx, condition.Unidentified, condition.Source, name)
	return view, err
}

func (t tx) members(ctx context.Context, name string) (members []source.Member, err error) {
	rows, err := all[struct {
		Target   string
		Settings string
		Missing  int
	}](ctx, t, `SELECT target, settings, missing FROM source_member WHERE source = ? ORDER BY target`, name)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		target, err := image.ParseTarget(row.Target)
		if err != nil {
			return nil, err
		}
		members = append(members, source.Member{Target: target, Settings: row.Settings, Missing: row.Missing})
	}
	return members, nil
}

// Sources lists the sources by name.
func (s *Store) Sources(ctx context.Context) (sources []source.Source, err error) {
	err = s.view(ctx, "list sources", func(t tx) (err error) {
		sources, err = t.sources(ctx)
		return err
	})
	return sources, err
}

func (t tx) sources(ctx context.Context) ([]source.Source, error) {
	contents, err := all[string](ctx, t, `SELECT content FROM source ORDER BY name`)
	if err != nil {
		return nil, err
	}
	return convert(contents, parse[source.Source])
}

// ConfirmSource notes that a person believes what is gone; errkind.Conflict if nothing
// waits for that.
func (s *Store) ConfirmSource(ctx context.Context, name string, now time.Time) error {
	return s.change(ctx, "confirm source "+name, func(t tx) error {
		view, err := t.source(ctx, name)
		if err != nil {
			return err
		}
		if !view.State.Unconfirmed() {
			return fmt.Errorf("nothing of source %q waits to be confirmed: %w", name, errkind.Conflict)
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.SourceConfirm, Subject: name,
			Before: audit.Plain(map[string]string{"waits": view.State.Problem.Message}), After: audit.Plain(map[string]string{"confirmed": view.State.Problem.Message})}); err != nil {
			return err
		}
		return t.run(ctx, `UPDATE source SET confirmed = doubt, version = '', updated = ? WHERE name = ?`, toMicros(now), name)
	})
}

// SourceView is what a decision about a listing depends on. Found is the listing.
func (s *Store) SourceView(ctx context.Context, name string, found []source.Found) (view source.View, err error) {
	err = s.view(ctx, "read source "+name, func(t tx) (err error) {
		view, err = t.sourceView(ctx, name, found)
		return err
	})
	return view, err
}

func (t tx) sourceView(ctx context.Context, name string, found []source.Found) (view source.View, err error) {
	if view, err = t.source(ctx, name); err != nil {
		return view, err
	}
	if view.Endpoints, err = t.endpoints(ctx); err != nil {
		return view, err
	}
	if view.Watched, err = t.namesInUse(ctx, found); err != nil {
		return view, err
	}
	return view, t.runningView(ctx, &view, found)
}

// NamesInUse are the names by which targets of a listing are watched, by their canonical
// names.
func (s *Store) NamesInUse(ctx context.Context, found []source.Found) (watched map[image.Target]image.Target, err error) {
	err = s.view(ctx, "find names in use", func(t tx) error {
		watched, err = t.namesInUse(ctx, found)
		return err
	})
	return watched, err
}

// namesInUse are the watched targets of the repositories that a listing has, by their
// canonical names.
func (t tx) namesInUse(ctx context.Context, found []source.Found) (map[image.Target]image.Target, error) {
	repositories := map[string]bool{}
	for _, each := range found {
		if each.Target != (image.Target{}) && !repositories[each.Target.Reference.Repository.String()] {
			for _, name := range each.Target.Reference.Repository.Names() {
				repositories[name.String()] = true
			}
		}
	}
	names, err := allIn[string](ctx, t, `SELECT name FROM target WHERE repository IN (?) ORDER BY name`, slices.Sorted(maps.Keys(repositories)))
	if err != nil {
		return nil, err
	}
	targets, err := convert(names, image.ParseTarget)
	watched := map[image.Target]image.Target{}
	for _, target := range targets {
		if _, several := watched[source.Canonical(target)]; !several {
			watched[source.Canonical(target)] = target
		}
	}
	return watched, err
}

// RecordSource stores what a listing decides, in one transaction. Of Ended only the
// subscriptions end that the source brought and no other source does.
func (s *Store) RecordSource(ctx context.Context, name string, found []source.Found, decide func(source.View) (source.Decision, error)) error {
	return s.change(ctx, "record source "+name, func(t tx) error {
		view, err := t.sourceView(ctx, name, found)
		if err != nil {
			return err
		}
		decision, err := decide(view)
		if err != nil {
			return err
		}
		if err := t.applySource(ctx, name, view.State, decision); err != nil {
			return err
		}
		return t.applyRunning(ctx, view.Running, decision)
	})
}

func (t tx) applySource(ctx context.Context, name string, before source.State, d source.Decision) error {
	now := d.State.Checked
	if err := t.saveSourceState(ctx, name, d.State); err != nil {
		return err
	}
	if err := t.saveMembers(ctx, name, before.Members, d.State.Members); err != nil {
		return err
	}
	for _, poll := range slices.Sorted(maps.Keys(d.Subscribe)) {
		if err := t.subscribe(ctx, d.Subscribe[poll], poll, now); err != nil {
			return err
		}
	}
	if err := t.release(ctx, d.Ended, bringingSource(name), now); err != nil {
		return err
	}
	for _, sub := range d.Dropped {
		if err := t.run(ctx, `UPDATE subscription SET active = FALSE, updated = ? WHERE target = ? AND type = ? AND source = ? AND active`,
			toMicros(now), sub.Target.String(), string(sub.Type), name); err != nil {
			return err
		}
	}
	return nil
}

// applyRunning stores what workloads run, and who is notified of what started.
func (t tx) applyRunning(ctx context.Context, before []workload.Row, d source.Decision) error {
	if err := t.saveRunning(ctx, before, d.Running); err != nil {
		return err
	}
	for target, suppressed := range d.Suppressed {
		if err := t.suppress(ctx, target.String(), d.State.Checked, suppressed); err != nil {
			return err
		}
	}
	return t.tell(ctx, d.Notifications, d.Deliveries)
}

func (t tx) saveSourceState(ctx context.Context, name string, state source.State) error {
	found, err := pack(state.Found)
	if err != nil {
		return err
	}
	return t.run(ctx, `UPDATE source SET revision = ?, listed = ?, found = ?, version = ?, doubt = ?, confirmed = ?, checked = ? WHERE name = ?`,
		state.Revision, state.Listed, found, state.Version, state.Doubt, state.Confirmed, toMicros(state.Checked), name)
}

// saveMembers writes those that changed.
func (t tx) saveMembers(ctx context.Context, name string, before, after []source.Member) error {
	left := map[image.Target]source.Member{}
	for _, member := range before {
		left[member.Target] = member
	}
	var rows [][]any
	for _, member := range after {
		if left[member.Target] != member {
			rows = append(rows, []any{name, member.Target.String(), member.Settings, member.Missing})
		}
		delete(left, member.Target)
	}
	if err := runIn(ctx, t, `DELETE FROM source_member WHERE source = ? AND target IN (?)`, namesOf(slices.Collect(maps.Keys(left))), name); err != nil {
		return err
	}
	return t.insert(ctx, `source_member (source, target, settings, missing)`, rows,
		`ON CONFLICT (source, target) DO UPDATE SET settings = excluded.settings, missing = excluded.missing`)
}

// DeleteSource ends a source with the subscriptions that it alone brought, and names
// the targets of these; errkind.NotFound if there is none of that name.
func (s *Store) DeleteSource(ctx context.Context, name string, now time.Time) (ended []image.Target, err error) {
	err = s.change(ctx, "delete source "+name, func(t tx) error {
		ended = nil
		if _, err := t.edit(ctx, "source", name); err != nil {
			return err
		}
		view, err := t.source(ctx, name)
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.SourceUnwatch, Subject: name, Before: sourceSettings(view.Source)}); err != nil {
			return err
		}
		for _, member := range view.State.Members {
			ended = append(ended, member.Target)
		}
		err = t.noteSubscriptions(ctx, ended, now, func() error {
			if err := t.run(ctx, `DELETE FROM source_member WHERE source = ?`, name); err != nil {
				return err
			}
			return t.release(ctx, ended, bringingSource(name), now)
		})
		if err != nil {
			return err
		}
		if err := t.disown(ctx, declaration.Key{Kind: declaration.OfSource, Name: name}); err != nil {
			return err
		}
		if err := t.run(ctx, `DELETE FROM source WHERE name = ?`, name); err != nil {
			return err
		}
		return t.forgetConditions(ctx, condition.Source, name)
	})
	return ended, err
}
