package main

import (
	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

// The categories of commands. Help lists them in the order of their names.
const (
	categoryTags     = "Images and tags"
	categoryNotified = "Notifications"
	categoryRules    = "Policies and data"
	categorySystem   = "System"
)

const appDescription = `Watches container tags and tells by webhook when something changes: the image
behind a tag, its vulnerabilities, or what your policies say about it.

On one machine, begin with these three:

   tagwatch up
   tagwatch endpoint add ops https://receiver.example.com/hook
   tagwatch subscribe docker.io/library/nginx:1.27 --wait

Temporal is found by its own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
TEMPORAL_API_KEY, TEMPORAL_TLS_..., TEMPORAL_PROFILE), 127.0.0.1:7233 without.

Exit codes: 0 done; 1 the answer is no, or the command was refused; 2 it could
not be carried out.`

func newApp() *cli.App {
	app := &cli.App{
		Name:           "tagwatch",
		HelpName:       "tagwatch",
		Usage:          "watch container tags and be notified what changes",
		UsageText:      "tagwatch [global options] COMMAND [options] [arguments]",
		Description:    appDescription,
		Version:        version,
		Flags:          config.Flags(),
		Action:         unknownCommand,
		OnUsageError:   onUsageError,
		ExitErrHandler: func(*cli.Context, error) {}, // main prints and exits
		Commands: []*cli.Command{
			subscribeCommand(), unsubscribeCommand(), subscriptionsCommand(), statusCommand(),
			vulnerabilitiesCommand(), evaluateCommand(), rescanCommand(), sbomCommand(), affectedCommand(), repositoryCommand(),
			endpointCommand(), notificationsCommand(), deliveriesCommand(), redeliverCommand(), explainCommand(),
			policyCommand(), feedCommand(), reconcileCommand(),
			pushCommand(), registryCommand(), upCommand(), doctorCommand(), completionCommand(), versionCommand(),
		},
	}
	prepare(app.Commands)
	return app
}

// prepare sets what all commands have in common.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
		if len(c.Subcommands) > 0 {
			c.Action = unknownCommand
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
	if meant := suggestCommand(name, c.Command.Subcommands); meant != "" {
		return usage("there is no command %q; did you mean: %s %s", path+" "+name, path, meant)
	}
	return usage("there is no command %q; see %s --help", path+" "+name, path)
}

func showHelp(c *cli.Context) error {
	if len(c.Lineage()) > 2 { // below the program itself
		return cli.ShowSubcommandHelp(c)
	}
	return cli.ShowAppHelp(c)
}
