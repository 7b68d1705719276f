// Package up runs Temporal and a worker on this machine.
package up

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:      "up",
		Usage:     "run a local Temporal and a worker on this machine",
		UsageText: "tagwatch up [options]",
		Description: `Runs until interrupted and restarts a program that exits. All data is in the data
directory; after a restart everything continues. The programs tagwatch-temporal and
tagwatch-worker must be next to tagwatch or on the PATH. The worker logs to the
terminal, Temporal to temporal.log in the data directory.

   tagwatch up
   tagwatch up --data-dir /srv/tagwatch --port 17233 --ui-port 18233 --poll 1m
   tagwatch up --demo

--demo runs the demonstration in place of an installation: a registry, images and
vulnerability data of its own, without the internet, and every notification as it
comes. Its data are deleted at the end.`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "port", Value: 7233, Usage: "`port` of Temporal"},
			&cli.IntFlag{Name: "ui-port", Value: 8233, Usage: "`port` of Temporal's Web UI; 0 to disable it"},
			&cli.BoolFlag{Name: "demo", Usage: "run the demonstration until interrupted"},
		}, config.WorkerFlags()...),
		Action: session.Bare(up),
	}
}

func up(ctx context.Context, s *session.Session) error {
	if err := s.Local("runs Tagwatch on this machine"); err != nil {
		return err
	}
	if s.Bool("demo") {
		return demonstrate()
	}
	settings, err := config.FromWorker(s.Context)
	if err != nil {
		return exit.Unable(err)
	}
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return exit.Unable(fmt.Errorf("create the data directory (--data-dir, TAGWATCH_DATA_DIR): %w", err))
	}
	unlock, err := lockDataDir(settings)
	if err != nil {
		return err
	}
	defer unlock()
	temporal, err := newLocalTemporal(s, settings)
	if err != nil {
		return err
	}
	defer temporal.log.Close()
	worker, err := newLocalWorker(s, settings)
	if err != nil {
		return err
	}
	if err := awaitFree(ctx, addressesOf(s, settings.Worker)); err != nil {
		return ended(ctx, err)
	}
	return runBoth(ctx, s, temporal, worker)
}

// runBoth runs the worker within the life of Temporal.
func runBoth(ctx context.Context, s *session.Session, temporal *localTemporal, worker *localWorker) error {
	// Temporal goes on until the worker has ended.
	server := temporal.keep(context.WithoutCancel(ctx))
	defer server.stop()
	s.Say("Starting Temporal ...")
	if err := server.awaitReady(ctx); err != nil {
		return ended(ctx, err)
	}
	served := worker.keep(ctx, temporal.announced.last.Load())
	defer served.stop()
	s.Say("Starting the worker ...")
	if err := served.awaitReady(ctx); err != nil {
		return ended(ctx, err)
	}
	welcome(s, *temporal.announced.last.Load(), worker.page(), worker.api)
	select {
	case <-ctx.Done():
		s.Say("Stopping ...")
		return nil
	case err := <-server.failed:
		return err
	case err := <-served.failed:
		return err
	}
}

// ended forgives an interruption, which is how people stop it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// welcome says where everything is and what to type next.
func welcome(s *session.Session, a announcement, page, api string) {
	lines := []string{"Status   " + page}
	if a.UI != "" {
		lines = append(lines, "Web UI   "+a.UI+"/namespaces/"+a.Namespace+"/workflows")
	}
	if api != "" {
		lines = append(lines, "API      "+api+"/; it needs a token: tagwatch token create NAME --scope read")
	}
	lines = append(lines, "Data     "+s.Settings.DataDir, "", "In another terminal:", "")
	for _, setting := range append(pathSetting(), othersNeed(s, a)...) {
		lines = append(lines, "  export "+setting)
	}
	lines = append(lines, "  tagwatch endpoint add ops https://receiver.example.com/hook",
		"  tagwatch subscribe docker.io/library/nginx:1.27 --wait", "  tagwatch status",
		"  tagwatch notifications --follow   # with or without an endpoint", "", "Ctrl-C stops it.")
	s.Say("\nTagwatch is up.\n\n%s\n", strings.Join(lines, "\n"))
}

// pathSetting lets the shell find this program, if it does not by itself.
func pathSetting() []string {
	own, err := os.Executable()
	if err != nil {
		return nil
	}
	if found, err := exec.LookPath("tagwatch"); err == nil && sameFile(found, own) {
		return nil
	}
	return []string{`PATH="` + filepath.Dir(own) + `:$PATH"`}
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// othersNeed are the settings that differ from what commands assume.
func othersNeed(s *session.Session, a announcement) []string {
	var settings []string
	if a.Address != "127.0.0.1:7233" {
		settings = append(settings, "TEMPORAL_ADDRESS="+a.Address)
	}
	if a.Namespace != "default" {
		settings = append(settings, "TEMPORAL_NAMESPACE="+a.Namespace)
	}
	if s.IsSet("data-dir") {
		settings = append(settings, "TAGWATCH_DATA_DIR="+s.Settings.DataDir)
	}
	if s.Settings.DatabaseURL != "" {
		settings = append(settings, "TAGWATCH_DATABASE_URL=...")
	}
	return settings
}
