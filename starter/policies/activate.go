package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/session"
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
	Bundle string `json:"bundle"`
	operations.Activation
}

func activate(ctx context.Context, s *session.Session, id string) error {
	task, err := operations.ActivatePolicy.Run(ctx, s.System(), operations.PolicyID{ID: id})
	if err != nil {
		return err
	}
	return followActivation(ctx, s, id, task)
}

func followActivation(ctx context.Context, s *session.Session, id string, task operations.Task) error {
	result, err := s.FollowTask(ctx, task, "the activation goes on; see: tagwatch policy list")
	if err != nil {
		return err
	}
	return s.Show(activated{id, *result.Activation}, func(w io.Writer) {
		if !result.Activation.Changed {
			fmt.Fprintf(w, "Bundle %s is already active\n", id)
			return
		}
		fmt.Fprintf(w, "Bundle %s is active; evaluating %s\n", id, wording.Count(result.Activation.Evaluated, "tag"))
	})
}
