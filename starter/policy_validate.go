package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
)

func policyValidateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		Usage:     "say what is wrong with a bundle",
		UsageText: "tagwatch policy validate FILE|- [options]",
		Description: `Validates everything, also what no mapping uses, and names the place of each
problem. Exit code 0: it can be added; 1: it has faults.

   tagwatch policy validate bundle.json
   tagwatch policy validate bundle.json -o json`,
		Flags:  []cli.Flag{outputFlag()},
		Action: action(policyValidate),
	}
}

// validated is what is wrong with a bundle, for programs.
type validated struct {
	Valid    bool             `json:"valid"`
	ID       string           `json:"id"`
	Hash     string           `json:"hash,omitempty"`
	Problems []policy.Problem `json:"problems"`
}

func policyValidate(_ context.Context, s *session) error {
	file, err := s.argument("FILE")
	if err != nil {
		return err
	}
	content, err := s.readFile(file)
	if err != nil {
		return err
	}
	bundle, problems := policy.Parse(content)
	view := validated{policy.Valid(problems), bundle.ID, bundle.Hash(), append([]policy.Problem{}, problems...)}
	if err := s.show(view, func(w io.Writer) { writeValidated(w, nameOf(file), view) }); err != nil {
		return err
	}
	if !view.Valid {
		return errAnswered
	}
	return nil
}

func writeValidated(w io.Writer, file string, v validated) {
	for _, p := range v.Problems {
		look := doubtful
		if p.Severity == policy.Error {
			look = bad
		}
		fmt.Fprintln(w, paint(w, look, oneLine(p.String())))
	}
	if v.Valid {
		fmt.Fprintf(w, "%s: bundle %s can be added (%s)\n", file, v.ID, short(v.Hash))
		return
	}
	fmt.Fprintf(w, "%s: has faults\n", file)
}
