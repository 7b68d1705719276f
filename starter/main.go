// Tagwatch is the command line: subscriptions, policies, vulnerability data, endpoints and
// their notifications. It reads from the database, and has Temporal do the work.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/completion"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// version and revision, the commit, are set when a release is built.
var version, revision = "devel", ""

func main() {
	config.ShapeHelp()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(exit.Conclude(os.Stderr, run(ctx, os.Args)))
}

func run(ctx context.Context, args []string) error {
	app := newApp()
	if completion.Requested(args) {
		completion.Offer(ctx, os.Stdout, app, args[1:len(args)-1])
		return nil
	}
	return app.RunContext(ctx, arguments.Arrange(app, args))
}
