package store

import (
	"context"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// targetConditions selects targets with an active subscription: others have no
// row.
func targetConditions(f subscription.TargetFilter) conditions {
	var where conditions
	if f.Registry != "" {
		where.add("target.registry = ?", f.Registry)
	}
	if f.Repository != nil {
		oneOf(&where, "target.repository", namesOf(f.Repository.Names()))
	}
	if f.Reference != nil {
		whole, args := strings.Repeat(" OR "+named, len(f.Reference.Names()))[len(" OR "):], []any{}
		for _, each := range f.Reference.Names() {
			// A platform stands behind the '@', whose next character is the 'A'.
			name := each.String()
			args = append(args, name, name+"@", name+"A")
		}
		where.add("("+whole+")", args...)
	}
	if f.Source != "" {
		where.add("target.name IN (SELECT target FROM source_member WHERE source = ?)", f.Source)
	}
	if f.Image != "" {
		where.add(`target.name IN (SELECT target FROM target_state WHERE manifest = ? OR analyzed = ? OR index_digest = ?
			OR manifest IN (SELECT digest FROM image WHERE config = ?))`, f.Image, f.Image, f.Image, f.Image)
	}
	if f.Unstarted {
		where.add("NOT target.started")
	}
	if f.After != "" {
		where.add("target.name > ?", f.After)
	}
	return where
}

// named is the condition on a tag's targets.
const named = "target.name = ? OR target.name >= ? AND target.name < ?"

// targetPage ends the query of one page of targets.
func targetPage(f subscription.TargetFilter) (end string, args []any) {
	if f.Limit <= 0 {
		return " ORDER BY target.name", nil
	}
	return " ORDER BY target.name LIMIT ?", []any{f.Limit}
}

// Targets lists the targets that the filter selects, by their text.
func (s *Store) Targets(ctx context.Context, filter subscription.TargetFilter) (targets []image.Target, err error) {
	err = s.view(ctx, "list targets", func(t tx) error {
		where := targetConditions(filter)
		end, limit := targetPage(filter)
		targets, err = t.targets(ctx, `SELECT target.name FROM target`+where.text()+end, append(where.args, limit...)...)
		return err
	})
	return targets, err
}

// Namesakes are the watched targets that are the same tag as one, under any of its
// names.
func (s *Store) Namesakes(ctx context.Context, target image.Target) (found []image.Target, err error) {
	names := namesOf(target.Names())
	err = s.view(ctx, "find other names of "+target.String(), func(t tx) error {
		watched, err := allIn[string](ctx, t, `SELECT name FROM target WHERE name IN (?)`, names)
		if err == nil {
			found, err = convert(watched, image.ParseTarget)
		}
		return err
	})
	return found, err
}

// targets reads the targets whose names a query selects.
func (t tx) targets(ctx context.Context, query string, args ...any) ([]image.Target, error) {
	names, err := all[string](ctx, t, query, args...)
	if err != nil {
		return nil, err
	}
	return convert(names, image.ParseTarget)
}

// Started keeps that the watchers of those targets were started.
func (s *Store) Started(ctx context.Context, targets []image.Target) error {
	return s.change(ctx, "note started watchers", func(t tx) error {
		return runIn(ctx, t, `UPDATE target SET started = TRUE WHERE NOT started AND name IN (?)`, namesOf(targets))
	})
}

// Registries lists the hosts of all targets.
func (s *Store) Registries(ctx context.Context) ([]string, error) {
	var hosts []string
	err := s.view(ctx, "list registries", func(t tx) (err error) {
		hosts, err = all[string](ctx, t, `SELECT DISTINCT registry FROM target ORDER BY registry`)
		return err
	})
	return hosts, err
}
