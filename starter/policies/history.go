package policies

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func policyHistoryCommand() *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "list the versions of a bundle",
		UsageText: "tagwatch policy history [ID] [options]",
		Description: `Lists the versions of the bundle, the present one first; of the active bundle
without ID. Older ones are deleted after the retention.

   tagwatch policy history
   tagwatch policy get --version 3`,
		Flags: session.ListFlags(),
		Action: session.Action(func(ctx context.Context, s *session.Session) error {
			id, err := optionalID(s)
			if err != nil {
				return err
			}
			all, err := operations.All(func(page operations.Page) ([]operations.PolicyVersion, string, error) {
				list, err := operations.ListPolicyVersions.Run(ctx, s.System(), operations.PolicyVersionsRequest{ID: id, Page: page})
				return list.Versions, list.Next, err
			})
			if err != nil {
				return err
			}
			return session.ShowRows(s, session.Rows[operations.PolicyVersion]{Items: all, Name: func(v operations.PolicyVersion) string { return strconv.Itoa(v.Version) }, People: func(w io.Writer, views []operations.PolicyVersion) {
				t := output.NewTable("VERSION", "SAVED", "HASH", "CHANGE").Drop("HASH")
				for _, v := range views {
					t.Row(output.Ordinary, strconv.Itoa(v.Version), s.Ago(v.Saved), output.Short(v.Hash), output.Dash(v.Change))
				}
				t.Write(w)
			}})
		}),
	}
}

// optionalID is the id of the argument; "", for the active bundle, without.
func optionalID(s *session.Session) (string, error) {
	if !s.Args().Present() {
		return "", nil
	}
	return s.Argument("ID")
}

func policyRollbackCommand() *cli.Command {
	return &cli.Command{
		Name:      "rollback",
		Usage:     "return to an earlier version of a bundle",
		UsageText: "tagwatch policy rollback [ID] --version N [options]",
		Description: `Stores the content of that version as the bundle's next version; of the active
bundle without ID. A change of the active bundle applies to all watched tags at
once.

   tagwatch policy rollback --version 3 --dry-run`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "version", Usage: "`number` of the version"},
			&cli.BoolFlag{Name: "dry-run", Usage: "change nothing; list the watched tags whose status would change"},
			&cli.BoolFlag{Name: "all", Usage: "with --dry-run, also list tags with the same status but different rows"},
			session.OutputFlag(),
		},
		Action: session.Action(func(ctx context.Context, s *session.Session) error {
			if err := s.Needs("version"); err != nil {
				return err
			}
			id, err := optionalID(s)
			if err != nil {
				return err
			}
			before, err := stored(ctx, s, id)
			if err != nil {
				return err
			}
			number := s.Int("version")
			content, err := operations.ShowPolicy.Run(ctx, s.System(), operations.PolicyRequest{ID: before.ID, Version: number, AsText: true})
			if err != nil {
				return err
			}
			bundle, problems := policy.Parse([]byte(content.Text))
			if !policy.Valid(problems) {
				return exit.Refused("version %d of bundle %s is invalid now; nothing was changed", number, before.ID)
			}
			return revise(ctx, s, before, bundle, fmt.Sprintf("rolled back to version %d", number))
		}),
	}
}
