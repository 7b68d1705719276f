package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
)

// convertCommand is here rather than in the command line because it takes syft.
func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert-sbom",
		Usage:     "convert an SBOM; tagwatch sbom uses it",
		UsageText: "tagwatch-worker convert-sbom FORM < syft.json",
		Description: "Reads an SBOM in syft's JSON from the standard input and writes it in another form: " +
			strings.Join(analyzer.Forms(), ", ") + ".",
		Action: func(c *cli.Context) error {
			document, err := io.ReadAll(c.App.Reader)
			if err != nil {
				return fmt.Errorf("read the SBOM: %w", err)
			}
			out := bufio.NewWriter(c.App.Writer)
			return errors.Join(analyzer.Convert(out, document, c.Args().First()), out.Flush())
		},
	}
}
