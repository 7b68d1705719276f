// Tagwatch-worker runs the workflows and activities of Tagwatch. Any number of
// workers share the work; a worker can be limited to parts of it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/config"
)

// version is set when a release is built.
var version = "devel"

func main() {
	// An analysis runs in a process of its own, which is this program again.
	if len(os.Args) > 1 && os.Args[1] == analyzer.ChildArgument {
		os.Exit(analyzer.ChildMain(os.Args[2:]))
	}
	config.ShapeHelp()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "tagwatch-worker:", err)
		os.Exit(1)
	}
}

func app() *cli.App {
	return &cli.App{
		Name:            "tagwatch-worker",
		Usage:           "run the workflows and activities of Tagwatch",
		Version:         version,
		HideHelpCommand: true,
		Flags:           append(config.Flags(), config.WorkerFlags()...),
		Description: "Connects to Temporal as TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_... say\n" +
			"(127.0.0.1:7233 and the namespace default without them), and to the database.\n\n" +
			"One machine:\n\n   tagwatch up\n\n" +
			"A cluster, with the parts of the work on different machines:\n\n" +
			"   tagwatch-worker --database-url postgres://... --serve watching,delivery\n" +
			"   tagwatch-worker --database-url postgres://... --serve analysis,matching --analysis-slots 4",
		Commands: []*cli.Command{healthCommand(), convertCommand(), sbomCommand(), manCommand()},
		Action: func(c *cli.Context) error {
			settings, err := config.FromWorker(c)
			if err != nil {
				return err
			}
			return run(c.Context, settings)
		},
	}
}
