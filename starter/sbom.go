package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

const (
	sbomName = "sbom"
	formSyft = "syft-json"
)

// sbomForms are what an SBOM can be printed as.
var sbomForms = []string{formSyft, "cyclonedx-json", "spdx-json"}

func sbomCommand() *cli.Command {
	return &cli.Command{
		Name: sbomName, Category: categoryTags,
		Usage:     "print the SBOM of a watched tag's image",
		UsageText: "tagwatch sbom REF [options]",
		Description: `Prints the record that was stored when the image was analyzed, as syft writes it,
or converts it.

   tagwatch sbom docker.io/library/nginx:1.27 > nginx.json
   tagwatch sbom nginx:1.27 -o cyclonedx-json > nginx.cdx.json
   tagwatch sbom nginx:1.27 | grype`,
		Flags: []cli.Flag{
			platformFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: formSyft, Usage: "`form` of the output: " + strings.Join(sbomForms, ", ")},
		},
		Action: action(printSBOM),
	}
}

func printSBOM(ctx context.Context, s *session) error {
	target, err := s.target()
	if err != nil {
		return err
	}
	known, err := s.analyzed(ctx, target)
	if err != nil {
		return err
	}
	document, err := s.stored.SBOM(ctx, known.Analyzed)
	if err != nil {
		return err
	}
	if form := s.String("output"); form != formSyft {
		return s.convertSBOM(ctx, document, form)
	}
	_, err = s.document().Write(document)
	return err
}

// document is where a document goes byte by byte, unless a person sees it.
func (s *session) document() io.Writer {
	if file, ok := s.App.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return s.out
	}
	return s.App.Writer
}

// convertSBOM leaves the conversion to the worker's program, which has syft.
func (s *session) convertSBOM(ctx context.Context, document []byte, form string) error {
	path, err := beside("tagwatch-worker")
	if err != nil {
		return err
	}
	var refusal bytes.Buffer
	command := exec.CommandContext(ctx, path, "convert-sbom", form)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(document), s.document(), &refusal
	if err := command.Run(); err != nil {
		return unable(fmt.Errorf("convert the SBOM to %s: %w: %s", form, err, strings.TrimSpace(refusal.String())))
	}
	return nil
}
