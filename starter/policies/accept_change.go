package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
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
		return compareAcceptances(ctx, s, operations.AcceptanceComparison{Revoke: id})
	}
	changed, err := operations.RevokeAcceptance.Run(ctx, s.System(), operations.RevokeAcceptanceRequest{ID: id})
	return followAcceptances(ctx, s, changed, err, func(w io.Writer, a operations.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) revoked\n", a.ID, a.Vulnerability)
	})
}
