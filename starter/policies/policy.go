// Package policies has the commands about policy bundles and accepted risks.
package policies

import (
	"github.com/urfave/cli/v2"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "manage and test policy bundles",
		Description: `A bundle contains policies, whitelists, mappings and image lists, in Anchore Engine's
format. One bundle is active and applies to all watched tags.

   tagwatch policy validate bundle.json
   tagwatch policy simulate bundle.json     # which tags would change
   tagwatch policy add bundle.json --activate`,
		Subcommands: []*cli.Command{
			policyAddCommand(), policyListCommand(), policyGetCommand(), policyActivateCommand(), policyDeleteCommand(),
			policyValidateCommand(), policyDescribeCommand(), policyDiffCommand(), policySimulateCommand(), whitelistReportCommand(),
			policyConvertCommand(), policyHistoryCommand(), policyRollbackCommand(), ruleCommand(), whitelistCommand(), mappingCommand(),
		},
	}
}
