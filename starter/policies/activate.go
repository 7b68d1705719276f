package policies

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

func policyActivateCommand() *cli.Command {
	return &cli.Command{
		Name:      "activate",
		Usage:     "activate a stored bundle",
		UsageText: "tagwatch policy activate ID",
		Description: `Evaluates all watched tags against the bundle at once and notifies subscribers of
tags whose status changes between pass and fail.

   tagwatch policy list
   tagwatch policy activate 2c53a13c-1765-11e8-82ef-23527761d060`,
		Flags:  []cli.Flag{session.OutputFlag()},
		Action: session.One("ID", activate),
	}
}

// activated is the outcome of activating a bundle, for programs.
type activated struct {
	Bundle  string `json:"bundle"`
	Changed bool   `json:"changed"`
	Woken   int    `json:"tags_evaluated"`
}

func activate(ctx context.Context, s *session.Session, id string) error {
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	var applied workflows.Applied
	err = s.Follow(ctx, linked, workflows.ApplyPolicyID, "the activation goes on; see: tagwatch policy list", func(ctx context.Context) (err error) {
		applied, err = linked.Client.ApplyPolicy(ctx, id)
		return err
	})
	if errors.Is(err, errkind.NotFound) {
		return noBundle(id)
	}
	if err != nil {
		return err
	}
	return s.Show(activated{id, applied.Changed, applied.Evaluated}, func(w io.Writer) {
		if !applied.Changed {
			fmt.Fprintf(w, "Bundle %s is already active\n", id)
			return
		}
		fmt.Fprintf(w, "Bundle %s is active; evaluating %s\n", id, wording.Count(applied.Evaluated, "tag"))
	})
}
