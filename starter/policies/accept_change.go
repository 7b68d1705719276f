package policies

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

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
	changed, err := operations.ExtendAcceptance.Run(ctx, s.System(), operations.ExtendRequest{ID: id, Until: until})
	return followAcceptances(ctx, s, changed, err, func(w io.Writer, a operations.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) extended until %s\n", a.ID, a.Vulnerability, a.Until)
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
	if s.Bool("dry-run") {
		return compareRevoked(ctx, s, id)
	}
	changed, err := operations.RevokeAcceptance.Run(ctx, s.System(), operations.RevokeAcceptanceRequest{ID: id})
	return followAcceptances(ctx, s, changed, err, func(w io.Writer, a operations.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) revoked\n", a.ID, a.Vulnerability)
	})
}

func compareRevoked(ctx context.Context, s *session.Session, id string) error {
	a, err := operations.ShowAcceptance.Run(ctx, s.System(), operations.AcceptanceID{ID: id})
	if err != nil {
		return err
	}
	if a.State == acceptance.Revoked {
		return exit.Refused("acceptance %d (%s) was revoked already, %s by %s", a.ID, a.Vulnerability, s.Ago(a.Revoked), a.RevokedBy)
	}
	return compareAcceptances(ctx, s, func(now []acceptance.Acceptance) []acceptance.Acceptance {
		return slices.DeleteFunc(slices.Clone(now), func(other acceptance.Acceptance) bool { return other.ID == a.ID })
	})
}
