package policies

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// versionView is a version of a bundle for programs.
type versionView struct {
	Version int       `json:"version"`
	Hash    string    `json:"hash"`
	Change  string    `json:"change"`
	Saved   time.Time `json:"saved"`
}

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
			kept, err := optionalBundle(ctx, s)
			if err != nil {
				return err
			}
			versions, err := s.Stored.BundleVersions(ctx, kept.ID)
			if err != nil {
				return err
			}
			views := []versionView{}
			for _, v := range versions {
				views = append(views, versionView{v.Number, v.Hash, v.Note, v.Saved})
			}
			return session.ShowRows(s, session.Rows[versionView]{Items: views, Name: func(v versionView) string { return strconv.Itoa(v.Version) }, People: func(w io.Writer, views []versionView) {
				t := output.NewTable("VERSION", "SAVED", "HASH", "CHANGE").Drop("HASH")
				for _, v := range views {
					t.Row(output.Ordinary, strconv.Itoa(v.Version), s.Ago(v.Saved), output.Short(v.Hash), output.Dash(v.Change))
				}
				t.Write(w)
			}})
		}),
	}
}

// optionalBundle is the stored bundle of the argument; the active one without.
func optionalBundle(ctx context.Context, s *session.Session) (policy.StoredBundle, error) {
	id := ""
	if s.Args().Present() {
		var err error
		if id, err = s.Argument("ID"); err != nil {
			return policy.StoredBundle{}, err
		}
	}
	return stored(ctx, s, id)
}

// versionContent is the content of a version of the bundle.
func versionContent(ctx context.Context, s *session.Session, kept policy.StoredBundle, number int) ([]byte, error) {
	versions, err := s.Stored.BundleVersions(ctx, kept.ID)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(versions, func(v policy.BundleVersion) bool { return v.Number == number })
	if at < 0 {
		return nil, exit.Refused("bundle %s has no version %d; see: tagwatch policy history %s", kept.ID, number, kept.ID)
	}
	return s.Stored.BundleContent(ctx, versions[at].Hash)
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
			kept, err := optionalBundle(ctx, s)
			if err != nil {
				return err
			}
			number := s.Int("version")
			content, err := versionContent(ctx, s, kept, number)
			if err != nil {
				return err
			}
			bundle, problems := policy.Parse(content)
			if !policy.Valid(problems) {
				return exit.Refused("version %d of bundle %s is invalid now; nothing was changed", number, kept.ID)
			}
			return revise(ctx, s, kept, bundle, fmt.Sprintf("rolled back to version %d", number))
		}),
	}
}
