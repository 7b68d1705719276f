package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

type acceptanceRow struct {
	ID            int64
	Vulnerability string
	Aliases       string
	Package       string
	Subject       string
	Until         int64
	Reason        string
	Owner         string
	AcceptedBy    string `db:"accepted_by"`
	Created       int64
	ExtendedBy    string `db:"extended_by"`
	Extended      int64
	RevokedBy     string `db:"revoked_by"`
	Revoked       int64
}

func (r acceptanceRow) acceptance() (acceptance.Acceptance, error) {
	aliases, err := parse[[]string](r.Aliases)
	return acceptance.Acceptance{ID: r.ID, Vulnerability: r.Vulnerability, Aliases: aliases, Package: r.Package, Subject: r.Subject,
		Until: timeOf(r.Until), Reason: r.Reason, Owner: r.Owner, By: r.AcceptedBy, Created: timeOf(r.Created),
		ExtendedBy: r.ExtendedBy, Extended: timeOf(r.Extended), RevokedBy: r.RevokedBy, Revoked: timeOf(r.Revoked)}, err
}

const acceptanceQuery = `SELECT id, vulnerability, aliases, package, subject, until, reason, owner, accepted_by, created,
	extended_by, extended, revoked_by, revoked FROM acceptance`

// Accept stores acceptances and returns them with their ids.
func (s *Store) Accept(ctx context.Context, accepted []acceptance.Acceptance) (stored []acceptance.Acceptance, err error) {
	err = s.change(ctx, "accept risks", func(t tx) error {
		stored = nil
		for _, a := range accepted {
			aliases, err := format(append([]string{}, a.Aliases...))
			if err != nil {
				return err
			}
			a.ID, err = one[int64](ctx, t, `INSERT INTO acceptance (vulnerability, aliases, package, subject, until, reason, owner, accepted_by, created)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
				a.Vulnerability, aliases, a.Package, a.Subject, toMicros(a.Until), a.Reason, a.Owner, a.By, toMicros(a.Created))
			if err != nil {
				return err
			}
			stored = append(stored, a)
			if err := t.note(ctx, a.Created, audit.Change{Action: audit.AcceptanceCreate, Subject: a.Vulnerability, After: acceptedState(a)}); err != nil {
				return err
			}
		}
		return nil
	})
	return stored, err
}

// Acceptances lists all acceptances, those that ended and the revoked ones included, by id.
func (s *Store) Acceptances(ctx context.Context) (accepted []acceptance.Acceptance, err error) {
	err = s.view(ctx, "list acceptances", func(t tx) error {
		rows, err := all[acceptanceRow](ctx, t, acceptanceQuery+` ORDER BY id`)
		if err != nil {
			return err
		}
		accepted, err = convert(rows, acceptanceRow.acceptance)
		return err
	})
	return accepted, err
}

// ExtendAcceptance gives an acceptance another end, zero for when there is a fix.
func (s *Store) ExtendAcceptance(ctx context.Context, id int64, until time.Time, by string, now time.Time) (acceptance.Acceptance, error) {
	return s.changeAcceptance(ctx, audit.AcceptanceExtend, id, now, `UPDATE acceptance SET until = ?, extended_by = ?, extended = ? WHERE id = ?`, toMicros(until), by, toMicros(now), id)
}

// RevokeAcceptance has an acceptance cover nothing any more.
func (s *Store) RevokeAcceptance(ctx context.Context, id int64, by string, now time.Time) (acceptance.Acceptance, error) {
	return s.changeAcceptance(ctx, audit.AcceptanceRevoke, id, now, `UPDATE acceptance SET revoked_by = ?, revoked = ? WHERE id = ?`, by, toMicros(now), id)
}

// changeAcceptance fails with errkind.NotFound without such an acceptance, and with
// errkind.Conflict for a revoked one.
func (s *Store) changeAcceptance(ctx context.Context, action audit.Action, id int64, now time.Time, statement string, args ...any) (changed acceptance.Acceptance, err error) {
	err = s.change(ctx, fmt.Sprintf("%s %d", action, id), func(t tx) error {
		row, found, err := first[acceptanceRow](ctx, t, acceptanceQuery+` WHERE id = ?`+t.locking, id)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("acceptance not found: %w", errkind.NotFound)
		case row.Revoked != 0:
			return fmt.Errorf("it is revoked: %w", errkind.Conflict)
		}
		before, err := row.acceptance()
		if err != nil {
			return err
		}
		if err := t.run(ctx, statement, args...); err != nil {
			return err
		}
		row, err = one[acceptanceRow](ctx, t, acceptanceQuery+` WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if changed, err = row.acceptance(); err != nil {
			return err
		}
		if !changed.Revoked.IsZero() {
			if err := t.disownAcceptance(ctx, declaration.KeyOfAcceptance(changed)); err != nil {
				return err
			}
		}
		return t.note(ctx, now, audit.Change{Action: action, Subject: changed.Vulnerability, Before: acceptedState(before), After: acceptedState(changed)})
	})
	return changed, err
}

// acceptedState is what the audit trail says of an acceptance. A vulnerability may have
// several.
func acceptedState(a acceptance.Acceptance) audit.State {
	until := "fixed"
	if !a.Until.IsZero() {
		until = a.Until.UTC().Format(time.RFC3339)
	}
	return audit.Plain(struct {
		ID        int64  `json:"acceptance"`
		Package   string `json:"package,omitempty"`
		Subject   string `json:"subject,omitempty"`
		Until     string `json:"until"`
		Reason    string `json:"reason"`
		Owner     string `json:"owner,omitempty"`
		RevokedBy string `json:"revoked_by,omitempty"`
	}{a.ID, a.Package, a.Subject, until, a.Reason, a.Owner, a.RevokedBy}).Naming("acceptance", "package", "subject", "until", "reason", "owner")
}

// Aliases are the other ids under which findings know a vulnerability, sorted.
func (s *Store) Aliases(ctx context.Context, vulnerability string) (aliases []string, err error) {
	err = s.view(ctx, "find the ids of "+vulnerability, func(t tx) error {
		findings, err := t.findingsUnderAnyName(ctx, vulnerability)
		names := map[string]string{}
		for _, group := range findings {
			for _, f := range group {
				if f.Several() {
					continue // about more than the vulnerability
				}
				for _, name := range f.Names() {
					names[strings.ToLower(name)] = name
				}
			}
		}
		delete(names, strings.ToLower(vulnerability))
		aliases = slices.Sorted(maps.Values(names))
		return err
	})
	return aliases, err
}

// acceptances are those that are not revoked.
func (t tx) acceptances(ctx context.Context) ([]acceptance.Acceptance, error) {
	rows, err := all[acceptanceRow](ctx, t, acceptanceQuery+` WHERE revoked = 0 ORDER BY id`)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return convert(rows, acceptanceRow.acceptance)
}

// concerned are the lower-case ids that acceptances have of the vulnerabilities of images.
type concerned map[string]map[string]bool

type concernedRow struct {
	Digest, Vulnerability string
}

// concerned finds which of the images have a vulnerability that the acceptances name.
func (t tx) concerned(ctx context.Context, accepted []acceptance.Acceptance, images []string) (concerned, error) {
	if len(accepted) == 0 || len(images) == 0 {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, image := range images {
		wanted[image] = true
	}
	named := map[string]bool{}
	for _, a := range accepted {
		for _, name := range a.Names() {
			named[name] = true
		}
	}
	query, names := `SELECT i.digest, r.vulnerability FROM finding_reference r JOIN image_group g ON g.group_id = r.group_id JOIN image i ON i.id = g.image_id
		WHERE r.vulnerability IN (?)`, slices.Sorted(maps.Keys(named))
	var before []any
	if len(wanted) <= keyChunk { // else it takes fewer steps to read those of all images
		query, before = strings.Replace(query, "WHERE ", "WHERE i.digest IN (?) AND ", 1), []any{slices.Sorted(maps.Keys(wanted))}
	}
	rows, err := allIn[concernedRow](ctx, t, query, names, before...)
	found := concerned{}
	for _, row := range rows {
		if !wanted[row.Digest] {
			continue
		}
		if found[row.Digest] == nil {
			found[row.Digest] = map[string]bool{}
		}
		found[row.Digest][row.Vulnerability] = true
	}
	return found, err
}

// of are the acceptances that name a vulnerability of the image.
func (c concerned) of(image string, accepted []acceptance.Acceptance) []acceptance.Acceptance {
	return acceptance.Naming(accepted, c[image])
}

// addTo leaves to a view of all acceptances those of its target.
func (c concerned) addTo(view *watch.RecordView, target image.Target) {
	view.Acceptances = acceptance.For(view.Acceptances, target.Reference)
	view.Accepting = acceptance.Key(c.of(string(view.State.Analyzed), view.Acceptances))
}

// analyzedOf are the images that states are about.
func analyzedOf(states map[string]watch.State) (images []string) {
	for _, state := range states {
		images = append(images, string(state.Analyzed))
	}
	return images
}
