package main

import (
	"context"

	"github.com/urfave/cli/v2"
)

const (
	sbomName = "sbom"
	formSyft = "syft-json"
)

func sbomCommand() *cli.Command {
	return &cli.Command{
		Name: sbomName, Category: categoryTags,
		Usage:     "print the SBOM of a watched tag's image",
		UsageText: "tagwatch sbom REF [options]",
		Description: `Prints the record that was stored when the image was analyzed, as syft writes it.

   tagwatch sbom docker.io/library/nginx:1.27 > nginx.json
   tagwatch sbom nginx:1.27 | grype`,
		Flags: []cli.Flag{
			platformFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: formSyft, Usage: "`form` of the output: " + formSyft},
		},
		Action: action(printSBOM),
	}
}

func printSBOM(ctx context.Context, s *session) error {
	reference, err := s.argument("REF")
	if err != nil {
		return err
	}
	target, err := s.target(reference)
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
	_, err = s.out.Write(document)
	return err
}
