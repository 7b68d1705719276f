package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
)

type bundleRow struct {
	ID       string
	Name     string
	Hash     string
	Document []byte
	Active   bool
	Created  int64
	Updated  int64
}

func (r bundleRow) bundle() (policy.StoredBundle, error) {
	b := policy.StoredBundle{ID: r.ID, Name: r.Name, Hash: r.Hash, Active: r.Active, Created: timeOf(r.Created), Updated: timeOf(r.Updated)}
	if r.Document == nil {
		return b, nil
	}
	document, err := decompress(r.Document)
	b.Document = document
	return b, err
}

// SaveBundle stores a bundle, or new content of one, which is its next version. It
// does not activate it; the active one stays active.
func (s *Store) SaveBundle(ctx context.Context, b policy.StoredBundle, now time.Time) error {
	return s.change(ctx, "save bundle "+b.ID, func(t tx) error {
		before, err := t.bundleState(ctx, b.ID)
		if err != nil {
			return err
		}
		if err := t.run(ctx, `INSERT INTO bundle_content (hash, document) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING`,
			b.Hash, compress(b.Document)); err != nil {
			return err
		}
		stored, _, err := first[string](ctx, t, `SELECT hash FROM bundle WHERE id = ?`+t.locking, b.ID)
		if err != nil {
			return err
		}
		if !t.expected.admitsContent(stored) {
			return ErrChanged
		}
		if err := t.run(ctx, `INSERT INTO bundle (id, name, hash, created, updated) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, updated = excluded.updated`,
			b.ID, b.Name, b.Hash, toMicros(now), toMicros(now)); err != nil {
			return err
		}
		if err := t.noteVersion(ctx, b, now); err != nil {
			return err
		}
		after, err := t.bundleState(ctx, b.ID)
		if err != nil {
			return err
		}
		change := audit.Change{Action: audit.PolicyUpdate, Subject: b.ID, Before: before, After: after}
		if !before.Exists() {
			change.Action = audit.PolicyCreate
		}
		return t.note(ctx, now, change)
	})
}

// bundleState is what the audit trail says of a bundle. The content of each version is
// kept beside it.
func (t tx) bundleState(ctx context.Context, id string) (audit.State, error) {
	type state struct {
		Name    string `json:"name"`
		Version int    `json:"version"`
		Hash    string `json:"hash"`
		Note    string `json:"note,omitempty"`
	}
	row, found, err := first[state](ctx, t, `SELECT b.name, b.hash, v.version, v.note FROM bundle b JOIN bundle_version v ON v.bundle = b.id
		WHERE b.id = ? ORDER BY v.version DESC LIMIT 1`, id)
	if err != nil || !found {
		return audit.Absent, err
	}
	return audit.Plain(row), nil
}

// noteVersion keeps the content as a version unless it is that of the last one.
func (t tx) noteVersion(ctx context.Context, b policy.StoredBundle, now time.Time) error {
	last, _, err := first[versionRow](ctx, t, `SELECT version, hash, note, saved FROM bundle_version WHERE bundle = ? ORDER BY version DESC LIMIT 1`, b.ID)
	if err != nil || last.Hash == b.Hash {
		return err
	}
	return t.run(ctx, `INSERT INTO bundle_version (bundle, version, hash, note, saved) VALUES (?, ?, ?, ?, ?)`,
		b.ID, last.Version+1, b.Hash, b.Note, toMicros(now))
}

type versionRow struct {
	Version int
	Hash    string
	Note    string
	Saved   int64
}

// BundleVersions lists the contents that a bundle has had, the last one first;
// errkind.NotFound if there is none of that id.
func (s *Store) BundleVersions(ctx context.Context, id string) (versions []policy.BundleVersion, err error) {
	err = s.view(ctx, "list versions of bundle "+id, func(t tx) error {
		rows, err := all[versionRow](ctx, t, `SELECT version, hash, note, saved FROM bundle_version WHERE bundle = ? ORDER BY version DESC`, id)
		if err == nil && len(rows) == 0 {
			err = errNoBundle
		}
		for _, row := range rows {
			versions = append(versions, policy.BundleVersion{Number: row.Version, Hash: row.Hash, Note: row.Note, Saved: timeOf(row.Saved)})
		}
		return err
	})
	return versions, err
}

// ActivateBundle makes that bundle the one that is evaluated and reports whether it
// was not before; errkind.NotFound if there is none of that id.
func (s *Store) ActivateBundle(ctx context.Context, id string, now time.Time) (changed bool, err error) {
	err = s.change(ctx, "activate bundle "+id, func(t tx) error {
		active, found, err := first[bool](ctx, t, `SELECT active FROM bundle WHERE id = ?`+t.locking, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoBundle
		}
		changed = !active
		if active {
			return nil
		}
		before, _, err := first[string](ctx, t, `SELECT id FROM bundle WHERE active`)
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.PolicyActivate, Subject: id, Before: activeBundle(before), After: activeBundle(id)}); err != nil {
			return err
		}
		if err := t.run(ctx, `UPDATE bundle SET active = FALSE, updated = ? WHERE active`, toMicros(now)); err != nil {
			return err
		}
		return t.run(ctx, `UPDATE bundle SET active = TRUE, updated = ? WHERE id = ?`, toMicros(now), id)
	})
	return changed, err
}

// activeBundle is what the audit trail says of which bundle is active.
func activeBundle(id string) audit.State {
	return audit.Plain(struct {
		Active string `json:"active,omitempty"`
	}{id})
}

var errNoBundle = fmt.Errorf("bundle not found: %w", errkind.NotFound)

const bundleQuery = `SELECT id, name, b.hash, document, active, created, updated FROM bundle b JOIN bundle_content c ON c.hash = b.hash`

// ActiveBundle is the bundle that is evaluated; errkind.NotFound if none is.
func (s *Store) ActiveBundle(ctx context.Context) (policy.StoredBundle, error) {
	return s.bundle(ctx, "read the active bundle", errNoneActive, bundleQuery+` WHERE active`)
}

// Bundle reads one; errkind.NotFound if there is none of that id.
func (s *Store) Bundle(ctx context.Context, id string) (policy.StoredBundle, error) {
	return s.bundle(ctx, "read bundle "+id, errNoBundle, bundleQuery+` WHERE id = ?`, id)
}

var errNoneActive = fmt.Errorf("no bundle is active: %w", errkind.NotFound)

func (s *Store) bundle(ctx context.Context, doing string, absent error, query string, args ...any) (policy.StoredBundle, error) {
	var b policy.StoredBundle
	err := s.view(ctx, doing, func(t tx) error {
		row, found, err := first[bundleRow](ctx, t, query, args...)
		if err != nil {
			return err
		}
		if !found {
			return absent
		}
		b, err = row.bundle()
		return err
	})
	return b, err
}

// activeBundle is the hash of the active bundle, "" if none is.
func (t tx) activeBundle(ctx context.Context) (string, error) {
	hash, _, err := first[string](ctx, t, `SELECT hash FROM bundle WHERE active`)
	return hash, err
}

// activePolicy is the active bundle, parsed; one without rules if none is.
func (t tx) activePolicy(ctx context.Context) (*policy.Bundle, error) {
	row, found, err := first[bundleRow](ctx, t, bundleQuery+` WHERE active`)
	if err != nil || !found {
		return &policy.Bundle{}, err
	}
	stored, err := row.bundle()
	bundle, _ := policy.Parse(stored.Document) // faults are problems of its evaluations
	return bundle, err
}

// BundleContent is the document of that hash, also of a bundle that was replaced
// or deleted since.
func (s *Store) BundleContent(ctx context.Context, hash string) ([]byte, error) {
	var content []byte
	err := s.view(ctx, "read the bundle of hash "+hash, func(t tx) error {
		document, err := one[[]byte](ctx, t, `SELECT document FROM bundle_content WHERE hash = ?`, hash)
		if err != nil {
			return err
		}
		content, err = decompress(document)
		return err
	})
	return content, err
}

// Bundles lists all bundles by id, without their documents.
func (s *Store) Bundles(ctx context.Context) ([]policy.StoredBundle, error) {
	var bundles []policy.StoredBundle
	err := s.view(ctx, "list bundles", func(t tx) error {
		rows, err := all[bundleRow](ctx, t, `SELECT id, name, hash, active, created, updated FROM bundle ORDER BY id`)
		if err != nil {
			return err
		}
		bundles, err = convert(rows, bundleRow.bundle)
		return err
	})
	return bundles, err
}

// DeleteBundle removes a bundle that is not active; errkind.Conflict for the
// active one.
func (s *Store) DeleteBundle(ctx context.Context, id string, now time.Time) error {
	return s.change(ctx, "delete bundle "+id, func(t tx) error {
		stored, found, err := first[bundleRow](ctx, t, `SELECT hash, active FROM bundle WHERE id = ?`+t.locking, id)
		switch {
		case err != nil:
			return err
		case !t.expected.admitsContent(stored.Hash):
			return ErrChanged
		case !found:
			return errNoBundle
		case stored.Active:
			return fmt.Errorf("it is the active one; activate another first: %w", errkind.Conflict)
		}
		before, err := t.bundleState(ctx, id)
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.PolicyDelete, Subject: id, Before: before}); err != nil {
			return err
		}
		if err := t.disown(ctx, declaration.Key{Kind: declaration.OfPolicy, Name: id}); err != nil {
			return err
		}
		return t.run(ctx, `DELETE FROM bundle WHERE id = ?`, id)
	})
}
