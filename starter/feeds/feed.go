// Package feeds has the commands about the vulnerability data.
package feeds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "feed",
		Usage: "show and update vulnerability data",
		Description: `Tagwatch uses grype's vulnerability database. A worker fetches new builds regularly
(--feed-interval). A build that looks wrong is put on hold until you release it or
the publisher lists another.

   tagwatch feed status
   tagwatch feed sync
   tagwatch feed import vulnerability-db_v6.tar.zst`,
		Subcommands: []*cli.Command{feedStatusCommand(), feedSyncCommand(), feedImportCommand(), feedReleaseCommand(), feedRollbackCommand()},
	}
}

func feedSyncCommand() *cli.Command {
	return &cli.Command{
		Name:        "sync",
		Usage:       "fetch new data now",
		UsageText:   "tagwatch feed sync [options]",
		Description: "Fetches, verifies and judges new data, matches again what it touches, and wakes\nthe tags that changed. If a synchronization is running, this follows it. Exit\ncode 1: new data is on hold.\n\n   tagwatch feed sync",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action: session.Bare(func(ctx context.Context, s *session.Session) error {
			return changeFeed(ctx, s, operations.SyncFeed, operations.FeedChange{})
		}),
	}
}

func feedImportCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "import data from a file, without network access",
		UsageText: "tagwatch feed import FILE [options]",
		Description: `FILE is an archive of grype's database with its original name. A worker reads it: if
workers run on other machines, copy the file there and use --remote.

   tagwatch feed import vulnerability-db_v6.1.2_2026-01-02T03:04:05Z.tar.zst
   tagwatch feed import /srv/feeds/today.tar.zst --remote`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "remote", Usage: "FILE is an absolute path on the worker's machine"}, session.OutputFlag()},
		Action: session.One("FILE", feedImport),
	}
}

func feedImport(ctx context.Context, s *session.Session, file string) error {
	if s.Bool("remote") {
		if !filepath.IsAbs(file) {
			return exit.Usage("--remote needs an absolute path, not %s", file)
		}
		return changeFeed(ctx, s, operations.ImportFeed, operations.FeedFile{File: file})
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return exit.Unable(err)
	}
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return exit.Usage("file %s not found; use --remote if it is on the worker's machine", file)
	}
	return changeFeed(ctx, s, operations.ImportFeed, operations.FeedFile{File: file})
}

func feedReleaseCommand() *cli.Command {
	return &cli.Command{
		Name:        "release",
		Usage:       "use the data build that is on hold",
		UsageText:   "tagwatch feed release [options]",
		Description: "Makes the build on hold the current one. tagwatch feed status shows why it is on\nhold.\n\n   tagwatch feed release",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action: session.Bare(func(ctx context.Context, s *session.Session) error {
			return changeFeed(ctx, s, operations.ReleaseFeed, operations.FeedChange{})
		}),
	}
}

func feedRollbackCommand() *cli.Command {
	return &cli.Command{
		Name:        "rollback",
		Usage:       "return to the previous data build",
		UsageText:   "tagwatch feed rollback [options]",
		Description: "Makes the previous build current again. The rejected build is not used again.\n\n   tagwatch feed rollback",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action: session.Bare(func(ctx context.Context, s *session.Session) error {
			return changeFeed(ctx, s, operations.RollBackFeed, operations.FeedChange{})
		}),
	}
}

// syncedView is the outcome of a synchronization, for programs.
type syncedView struct {
	Before string `json:"build_before,omitempty"`
	operations.Synced
}

func changeFeed[Request any](ctx context.Context, s *session.Session, change operations.Operation[Request, operations.Task], request Request) error {
	feed, err := operations.ShowFeed.Run(ctx, s.System(), operations.FeedRequest{})
	if err != nil {
		return err
	}
	task, err := change.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	result, err := s.FollowTask(ctx, task, "the update goes on; see: tagwatch feed status")
	if failed, isFailure := errors.AsType[*operations.TaskFailure](err); isFailure && errors.Is(failed, errkind.Unavailable) {
		return exit.Unable(fmt.Errorf("%s; the current data stays in use, see: tagwatch feed status", failed.Message))
	}
	if err != nil {
		return err
	}
	view := syncedView{Synced: *result.Synchronization}
	if feed.Current != nil {
		view.Before = feed.Current.Checksum
	}
	if err := s.Show(view, func(w io.Writer) { writeSynced(w, view) }); err != nil {
		return err
	}
	if len(view.Held) > 0 {
		return exit.ErrAnswered
	}
	return nil
}

func writeSynced(w io.Writer, v syncedView) {
	if v.Ended != "" {
		fmt.Fprintf(w, "Build %s is no longer on hold: the publisher no longer lists it\n", output.Short(v.Ended))
	}
	switch {
	case len(v.Held) > 0:
		fmt.Fprintln(w, "New vulnerability data is on hold:")
		for _, reason := range v.Held {
			fmt.Fprintln(w, "  "+output.OneLine(reason))
		}
		fmt.Fprintln(w, "To use it anyway: tagwatch feed release")
	case v.Refused != "":
		fmt.Fprintf(w, "Nothing new: build %s is current; the listed build %s was rejected by tagwatch feed rollback\n", output.Dash(output.Short(v.Build)), output.Short(v.Refused))
	case v.Before == v.Build:
		fmt.Fprintf(w, "Nothing new: build %s is current\n", output.Dash(output.Short(v.Build)))
	default:
		fmt.Fprintf(w, "Build %s -> %s: %s matched again, %d changed, %s to update\n",
			output.Dash(output.Short(v.Before)), output.Short(v.Build), wording.Count(v.Matched, "package group"), v.Changed, wording.Count(v.Woken, "tag"))
	}
}
