package tags

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

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func SbomCommand() *cli.Command {
	return &cli.Command{
		Name:      session.SBOMName,
		Usage:     "print the SBOM of a watched tag's image",
		UsageText: "tagwatch sbom REF [options]",
		Description: `Prints the SBOM that was stored when the image was analyzed, in syft's format or
converted to another.

   tagwatch sbom docker.io/library/nginx:1.27 > nginx.json
   tagwatch sbom nginx:1.27 -o cyclonedx-json > nginx.cdx.json
   tagwatch sbom nginx:1.27 | grype`,
		Flags: []cli.Flag{
			arguments.PlatformFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: session.FormSyft, Usage: "output `format`: " + strings.Join(session.SBOMForms, ", ")},
		},
		Action: session.Action(printSBOM),
	}
}

func printSBOM(ctx context.Context, s *session.Session) error {
	target, err := theTarget(ctx, s)
	if err != nil {
		return err
	}
	if _, err := analyzed(ctx, s, target, false); err != nil {
		return err
	}
	found, err := operations.ShowSBOM.Run(ctx, s.System(), operations.OfTag(target))
	if err != nil {
		return err
	}
	document := append(found.Document, '\n')
	if form := s.String("output"); form != session.FormSyft {
		return convertSBOM(ctx, s, document, form)
	}
	_, err = destination(s).Write(document)
	return err
}

// destination is where a document goes byte by byte, unless a person sees it.
func destination(s *session.Session) io.Writer {
	if file, ok := s.App.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return s.Out
	}
	return s.App.Writer
}

// convertSBOM leaves the conversion to the worker's program, which has syft.
func convertSBOM(ctx context.Context, s *session.Session, document []byte, form string) error {
	path, err := session.Beside("tagwatch-worker")
	if err != nil {
		return err
	}
	var refusal bytes.Buffer
	command := exec.CommandContext(ctx, path, "convert-sbom", form)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(document), destination(s), &refusal
	if err := command.Run(); err != nil {
		return exit.Unable(fmt.Errorf("convert the SBOM to %s: %w: %s", form, err, strings.TrimSpace(refusal.String())))
	}
	return nil
}
