// Command tagwatch-temporal is a Temporal server with its Web UI for one machine: four services in one process on loopback, with all
// data in one SQLite file. It serves `tagwatch up`, the tests and the recording of workflow histories; a cluster in production
// runs Temporal's own images on PostgreSQL.
//
// When the namespace is ready, it prints one JSON line on standard output and runs until SIGINT or SIGTERM. It may be killed at any
// time: everything that it has acknowledged is in the file.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := newApp(os.Stdout, serve).RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "tagwatch-temporal:", err)
		os.Exit(1)
	}
}
