package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config/manual"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		UsageText:   "tagwatch-worker man",
		Description: "   tagwatch-worker man | man -l -",
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(c.App.Writer, manual.Page(c.App, "tagwatch", "tagwatch-temporal"))
			return err
		},
	}
}
