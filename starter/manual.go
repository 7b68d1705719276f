package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config/manual"
	"github.com/tagwatch/tagwatch/starter/session"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		UsageText:   "tagwatch man",
		Description: "   tagwatch man | man -l -\n   tagwatch man > ~/.local/share/man/man1/tagwatch.1",
		Action:      session.Bare(printManual),
	}
}

func printManual(_ context.Context, s *session.Session) error {
	_, err := io.WriteString(s.Out, manual.Page(s.App, "tagwatch-worker", "tagwatch-temporal"))
	return err
}
