package policies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// theAcceptance is the one of an id, or the only active one of a vulnerability.
func theAcceptance(ctx context.Context, s *session.Session, id string) (acceptance.Acceptance, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return acceptance.Acceptance{}, err
	}
	all, err := kept.Acceptances(ctx)
	if err != nil {
		return acceptance.Acceptance{}, err
	}
	var found []acceptance.Acceptance
	var numbers []string
	for _, a := range all {
		number := strconv.FormatInt(a.ID, 10)
		if number == id {
			return a, nil
		}
		if a.State(s.Now) == acceptance.Active && slices.Contains(a.Names(), strings.ToLower(id)) {
			found, numbers = append(found, a), append(numbers, number)
		}
	}
	switch len(found) {
	case 0:
		return acceptance.Acceptance{}, exit.Refused("acceptance %s not found; see: tagwatch accept list --all", id)
	case 1:
		return found[0], nil
	}
	return acceptance.Acceptance{}, exit.Refused("%s has several acceptances (%s); name one by its number", id, strings.Join(numbers, ", "))
}

func acceptExtendCommand() *cli.Command {
	return &cli.Command{
		Name:      "extend",
		Usage:     "give an accepted risk another end",
		UsageText: "tagwatch accept extend ID|VULNERABILITY --until TIME|fixed [options]",
		Description: `An acceptance that ended is active again. A revoked one stays revoked.

   tagwatch accept extend 3 --until 30d
   tagwatch accept extend CVE-2026-1234 --until fixed`,
		Flags:  []cli.Flag{untilFlag(), session.OutputFlag()},
		Action: session.One("ID", acceptExtend),
	}
}

func acceptExtend(ctx context.Context, s *session.Session, id string) error {
	until, err := end(s)
	if err != nil {
		return err
	}
	a, err := theAcceptance(ctx, s, id)
	if err != nil {
		return err
	}
	if err := revokedAlready(s, a); err != nil {
		return err
	}
	return applyAcceptances(ctx, s, func() ([]acceptance.Acceptance, error) {
		changed, err := s.Stored.ExtendAcceptance(ctx, a.ID, until, session.Person(), s.Now)
		return []acceptance.Acceptance{changed}, revokedMeanwhile(a, err)
	}, func(w io.Writer, a acceptance.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) extended until %s\n", a.ID, a.Vulnerability, untilText(a))
	})
}

func acceptRevokeCommand() *cli.Command {
	return &cli.Command{
		Name:        "revoke",
		Usage:       "end an accepted risk now",
		UsageText:   "tagwatch accept revoke ID|VULNERABILITY [options]",
		Description: "   tagwatch accept revoke 3 --dry-run\n   tagwatch accept revoke CVE-2026-1234",
		Flags:       []cli.Flag{dryRunFlag(), session.OutputFlag()},
		Action:      session.One("ID", acceptRevoke),
	}
}

func acceptRevoke(ctx context.Context, s *session.Session, id string) error {
	a, err := theAcceptance(ctx, s, id)
	if err != nil {
		return err
	}
	if err := revokedAlready(s, a); err != nil {
		return err
	}
	if s.Bool("dry-run") {
		return compareAcceptances(ctx, s, func(now []acceptance.Acceptance) []acceptance.Acceptance {
			return slices.DeleteFunc(slices.Clone(now), func(other acceptance.Acceptance) bool { return other.ID == a.ID })
		})
	}
	return applyAcceptances(ctx, s, func() ([]acceptance.Acceptance, error) {
		changed, err := s.Stored.RevokeAcceptance(ctx, a.ID, session.Person(), s.Now)
		return []acceptance.Acceptance{changed}, revokedMeanwhile(a, err)
	}, func(w io.Writer, a acceptance.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) revoked\n", a.ID, a.Vulnerability)
	})
}

// revokedAlready refuses to change a revoked acceptance.
func revokedAlready(s *session.Session, a acceptance.Acceptance) error {
	if a.State(s.Now) != acceptance.Revoked {
		return nil
	}
	return exit.Refused("acceptance %d (%s) was revoked already, %s by %s", a.ID, a.Vulnerability, s.Ago(a.Revoked), a.RevokedBy)
}

func revokedMeanwhile(a acceptance.Acceptance, err error) error {
	if errors.Is(err, errkind.Conflict) {
		return exit.Refused("acceptance %d (%s) was revoked meanwhile", a.ID, a.Vulnerability)
	}
	return err
}
