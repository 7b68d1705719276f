package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

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

// sbomCommand is how the image's own SBOM is made when the image is built.
func sbomCommand() *cli.Command {
	return &cli.Command{
		Name:      "sbom",
		Usage:     "write the SBOM of Tagwatch's own programs",
		UsageText: "tagwatch-worker sbom DIRECTORY > sbom.cdx.json",
		Description: "Reads from the Go programs in a directory which modules they were linked from. The image has the\n" +
			"result at /usr/share/doc/tagwatch/sbom.cdx.json. With the variable SOURCE_DATE_EPOCH,\n" +
			"the same programs give the same bytes.",
		Flags: []cli.Flag{&cli.StringFlag{Name: "form", Value: "cyclonedx-json", Usage: "`form` of the output: " + strings.Join(analyzer.Forms(), ", ")}},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return errors.New("name the directory that holds the programs, as in: tagwatch-worker sbom /usr/local/bin")
			}
			at, err := sourceDate()
			if err != nil {
				return err
			}
			out := bufio.NewWriter(c.App.Writer)
			err = analyzer.DescribePrograms(c.Context, out, c.Args().First(), "tagwatch", version, c.String("form"), at)
			return errors.Join(err, out.Flush())
		},
	}
}

// sourceDate is the time of the sources, which a reproducible build has in place of
// its own; zero if this is none.
//
// Specification: https://reproducible-builds.org/specs/source-date-epoch/
func sourceDate() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a number of seconds since 1970", text)
	}
	return time.Unix(seconds, 0), nil
}
