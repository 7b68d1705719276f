package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/completion"
	"github.com/tagwatch/tagwatch/starter/declarations"
	"github.com/tagwatch/tagwatch/starter/doctor"
	"github.com/tagwatch/tagwatch/starter/endpoints"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/feeds"
	"github.com/tagwatch/tagwatch/starter/login"
	"github.com/tagwatch/tagwatch/starter/notifications"
	"github.com/tagwatch/tagwatch/starter/policies"
	"github.com/tagwatch/tagwatch/starter/registries"
	"github.com/tagwatch/tagwatch/starter/repositories"
	"github.com/tagwatch/tagwatch/starter/sources"
	"github.com/tagwatch/tagwatch/starter/tags"
	"github.com/tagwatch/tagwatch/starter/tokens"
	"github.com/tagwatch/tagwatch/starter/trail"
	"github.com/tagwatch/tagwatch/starter/up"
)

// The categories of commands. Help lists them in the order of their names.
const (
	categoryTags     = "Images and tags"
	categoryNotified = "Notifications"
	categoryRules    = "Policies and data"
	categorySystem   = "System"
)

const appDescription = `Watches container tags and sends webhooks when something changes: the image behind
a tag, its vulnerabilities, or its policy status.

To start on one machine:

   tagwatch up
   tagwatch endpoint add ops https://receiver.example.com/hook
   tagwatch subscribe docker.io/library/nginx:1.27 --wait

The Temporal connection uses Temporal's own settings (TEMPORAL_ADDRESS,
TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_..., TEMPORAL_PROFILE). The
default address is 127.0.0.1:7233.

Tables fit the terminal; -o wide shows all of them, -o json, yaml or csv is for
programs, and -q prints the names of a list.

Exit codes: 0 success; 1 negative result, or the command was rejected; 2 error.`

func newApp() *cli.App {
	app := &cli.App{
		Name:           "tagwatch",
		HelpName:       "tagwatch",
		Usage:          "watch container tags and get notified of changes",
		UsageText:      "tagwatch [global options] COMMAND [options] [arguments]",
		Description:    appDescription,
		Version:        version,
		Flags:          slices.Concat(config.Flags(), config.CommandFlags()),
		Action:         unknownCommand,
		OnUsageError:   arguments.OnUsageError,
		ExitErrHandler: func(*cli.Context, error) {}, // main prints and exits
		Commands: slices.Concat(
			group(categoryTags, tags.SubscribeCommand(), tags.UnsubscribeCommand(), tags.SubscriptionsCommand(), tags.StatusCommand(),
				tags.VulnerabilitiesCommand(), tags.EvaluateCommand(), tags.RescanCommand(), tags.SbomCommand(), tags.AffectedCommand(), repositories.Command(), sources.Command()),
			group(categoryNotified, endpoints.Command(), endpoints.FiltersCommand(), notifications.NotificationsCommand(), notifications.DeliveriesCommand(), notifications.RedeliverCommand(), notifications.ExplainCommand()),
			group(categoryRules, policies.Command(), policies.AcceptCommand(), feeds.Command()),
			group(categorySystem, declarations.ApplyCommand(), declarations.DiffCommand(), declarations.ExportCommand(), doctor.ReconcileCommand(), registries.PushCommand(), registries.Command(), tokens.Command(), login.Command(), login.LogoutCommand(), trail.Command(), up.Command(), doctor.Command(), doctor.ReportCommand(), completion.Command(), manCommand(), versionCommand()),
		),
	}
	prepare(app.Commands)
	return app
}

// group puts commands into a category of the help.
func group(category string, commands ...*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.Category = category
	}
	return commands
}

// prepare sets what all commands have in common.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = arguments.OnUsageError
		c.HideHelpCommand = true
		if len(c.Subcommands) > 0 {
			if c.Action == nil {
				c.Action = unknownCommand
			}
			prepare(c.Subcommands)
		}
	}
}

// unknownCommand is what a command with subcommands does by itself: help without
// an argument, and a suggestion for one that it does not know.
func unknownCommand(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		return showHelp(c)
	}
	path := c.Command.HelpName
	if meant := arguments.SuggestTurned(c.Args().Slice(), c.Command.Subcommands); meant != "" {
		return exit.Usage("unknown command %q; did you mean: %s %s", path+" "+name, path, meant)
	}
	if meant := arguments.SuggestCommand(name, c.Command.Subcommands); meant != "" {
		return exit.Usage("unknown command %q; did you mean: %s %s", path+" "+name, path, meant)
	}
	return exit.Usage("unknown command %q; see %s --help", path+" "+name, path)
}

func showHelp(c *cli.Context) error {
	if len(c.Lineage()) > 2 { // below the program itself
		return cli.ShowSubcommandHelp(c)
	}
	return cli.ShowAppHelp(c)
}
