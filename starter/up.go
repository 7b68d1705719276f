package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

func upCommand() *cli.Command {
	return &cli.Command{
		Name: "up", Category: categorySystem,
		Usage:     "run everything on this machine: a local Temporal and a worker",
		UsageText: "tagwatch up [options]",
		Description: `Runs until interrupted, and starts again what dies. All data lie in the data
directory: stop it and start it again, and everything goes on. The programs
tagwatch-temporal and tagwatch-worker are looked for beside this one, then on
the PATH. The worker logs to the terminal, Temporal to temporal.log in the data
directory.

   tagwatch up
   tagwatch up --data-dir /srv/tagwatch --port 17233 --ui-port 18233 --poll 1m`,
		Flags: append([]cli.Flag{
			&cli.IntFlag{Name: "port", Value: 7233, Usage: "`port` of Temporal"},
			&cli.IntFlag{Name: "ui-port", Value: 8233, Usage: "`port` of Temporal's Web UI; 0: none"},
		}, config.WorkerFlags()...),
		Action: bare(up),
	}
}

func up(ctx context.Context, s *session) error {
	settings, err := config.FromWorker(s.Context)
	if err != nil {
		return unable(err)
	}
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return unable(fmt.Errorf("make the data directory (--data-dir, TAGWATCH_DATA_DIR): %w", err))
	}
	unlock, err := lockDataDir(settings)
	if err != nil {
		return err
	}
	defer unlock()
	temporal, err := s.newLocalTemporal(settings)
	if err != nil {
		return err
	}
	defer temporal.log.Close()
	worker, err := s.newLocalWorker(settings)
	if err != nil {
		return err
	}
	return s.runBoth(ctx, temporal, worker)
}

// runBoth runs the worker within the life of Temporal.
func (s *session) runBoth(ctx context.Context, temporal *localTemporal, worker *localWorker) error {
	// Temporal goes on until the worker has ended.
	server := temporal.keep(context.WithoutCancel(ctx))
	defer server.stop()
	s.say("Starting Temporal ...")
	if err := server.awaitReady(ctx); err != nil {
		return ended(ctx, err)
	}
	served := worker.keep(ctx, temporal.announced.last.Load())
	defer served.stop()
	s.say("Starting the worker ...")
	if err := served.awaitReady(ctx); err != nil {
		return ended(ctx, err)
	}
	s.welcome(*temporal.announced.last.Load(), worker.page())
	select {
	case <-ctx.Done():
		s.say("Stopping ...")
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
func (s *session) welcome(a announcement, page string) {
	lines := []string{"Status   " + page}
	if a.UI != "" {
		lines = append(lines, "Web UI   "+a.UI+"/namespaces/"+a.Namespace+"/workflows")
	}
	lines = append(lines, "Data     "+s.settings.DataDir, "", "In another terminal:", "")
	for _, setting := range append(pathSetting(), s.othersNeed(a)...) {
		lines = append(lines, "  export "+setting)
	}
	lines = append(lines, "  tagwatch endpoint add ops https://receiver.example.com/hook",
		"  tagwatch subscribe docker.io/library/nginx:1.27 --wait", "  tagwatch status", "", "Ctrl-C stops it.")
	s.say("\nTagwatch is up.\n\n%s\n", strings.Join(lines, "\n"))
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
func (s *session) othersNeed(a announcement) []string {
	var settings []string
	if a.Address != "127.0.0.1:7233" {
		settings = append(settings, "TEMPORAL_ADDRESS="+a.Address)
	}
	if a.Namespace != "default" {
		settings = append(settings, "TEMPORAL_NAMESPACE="+a.Namespace)
	}
	if s.IsSet("data-dir") {
		settings = append(settings, "TAGWATCH_DATA_DIR="+s.settings.DataDir)
	}
	if s.settings.DatabaseURL != "" {
		settings = append(settings, "TAGWATCH_DATABASE_URL=...")
	}
	return settings
}
