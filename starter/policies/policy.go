// Package policies has the commands about policy bundles.
package policies

import (
	"github.com/urfave/cli/v2"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "manage policy bundles, and try them out",
		Description: `A bundle holds policies, whitelists, mappings and image lists, in the format of
Anchore Engine. One bundle is active: it decides about all watched tags.

   tagwatch policy validate bundle.json
   tagwatch policy simulate bundle.json     # which tags would change
   tagwatch policy add bundle.json --activate`,
		Subcommands: []*cli.Command{
			policyAddCommand(), policyListCommand(), policyGetCommand(), policyActivateCommand(), policyDeleteCommand(),
			policyValidateCommand(), policyDescribeCommand(), policyDiffCommand(), policySimulateCommand(), whitelistReportCommand(),
		},
	}
}
