package policies

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func policyConvertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "write a bundle in the format of Anchore Engine or Anchore Enterprise",
		UsageText: "tagwatch policy convert FILE|ID [--to 1_0|2]",
		Description: `Prints the bundle in the other format: version 1_0 is that of Anchore Engine
(policies, whitelists), version 2 that of Anchore Enterprise (rule_sets,
allowlists). Both judge images alike here; nothing is stored. What the bundle uses
and that product does not have is listed on standard error.

   tagwatch policy convert enterprise.json > bundle.json
   tagwatch policy convert bundle.json --to 2`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "to", Usage: "`version` to write: 1_0 or 2 (default: the other one)"}},
		Action: session.Action(func(ctx context.Context, s *session.Session) error {
			name, err := s.Argument("FILE")
			if err != nil {
				return err
			}
			bundle, err := arguments.Bundle(ctx, s, name)
			if err != nil {
				return err
			}
			version := targetVersion(s, bundle)
			document, err := policy.Convert(bundle, version)
			if err != nil {
				return exit.Usage("%s", errkind.Text(err))
			}
			for _, lack := range policy.Lacks(bundle, version) {
				s.Say("%s", output.OneLine(lack))
			}
			_, err = s.Out.Write(document)
			return err
		}),
	}
}

func targetVersion(s *session.Session, b *policy.Bundle) string {
	switch {
	case s.IsSet("to"):
		return s.String("to")
	case b.Version == policy.VersionEnterprise:
		return policy.VersionEngine
	}
	return policy.VersionEnterprise
}
