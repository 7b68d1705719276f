package policies

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// editFlags are those of all commands that change a stored bundle, after their own.
func editFlags(own ...cli.Flag) []cli.Flag {
	return append(own,
		bundleFlag(),
		&cli.BoolFlag{Name: "dry-run", Usage: "change nothing; list the watched tags whose status would change"},
		&cli.BoolFlag{Name: "all", Usage: "with --dry-run, also list tags with the same status but different rows"},
		session.OutputFlag())
}

func bundleFlag() cli.Flag {
	return &cli.StringFlag{Name: "bundle", Usage: "`id` of the stored bundle (default: the active one)"}
}

// stored is the stored bundle of an id; the active one for "".
func stored(ctx context.Context, s *session.Session, id string) (operations.PolicyContent, error) {
	found, err := operations.ShowPolicy.Run(ctx, s.System(), operations.PolicyRequest{ID: id, AsText: true})
	if err == nil && id == "" && !found.Active {
		err = exit.Refused("no bundle is active; name one with --bundle")
	}
	return found, err
}

// edit changes the bundle of --bundle. The change names what it does.
func edit(ctx context.Context, s *session.Session, change func(*policy.Bundle) (document []byte, note string, err error)) error {
	before, err := stored(ctx, s, s.String("bundle"))
	if err != nil {
		return err
	}
	bundle, known := policy.Parse([]byte(before.Text))
	document, note, err := change(bundle)
	if errors.Is(err, errkind.Invalid) || errors.Is(err, errkind.NotFound) {
		return exit.Refused("bundle %s: %s", before.ID, errkind.Text(err))
	}
	if err != nil {
		return err
	}
	after, problems := policy.Parse(document)
	sayNew(s, known, problems)
	if !policy.Valid(problems) {
		return exit.Refused("bundle %s would be invalid; nothing was changed", before.ID)
	}
	return revise(ctx, s, before, after, note)
}

// sayNew says the problems that an edit brings.
func sayNew(s *session.Session, before, after []policy.Problem) {
	known := map[policy.Problem]bool{}
	for _, p := range before {
		known[p] = true
	}
	for _, p := range after {
		if !known[p] {
			s.Say("%s", output.OneLine(p.String()))
		}
	}
}

// revise makes a content the next version of a stored bundle; with --dry-run it
// shows what that would change.
func revise(ctx context.Context, s *session.Session, before operations.PolicyContent, after *policy.Bundle, note string) error {
	if s.Bool("dry-run") {
		document, err := after.MarshalJSON()
		if err != nil {
			return err
		}
		return comparePolicies(ctx, s, operations.PolicyChoice{ID: before.ID}, operations.PolicyChoice{Bundle: document})
	}
	request := operations.PolicyChange{Note: note}
	request.Match(before.EditionTag())
	return savePolicy(ctx, s, after, request, ": "+note)
}

// freeID is an id of that kind that is not taken.
func freeID(kind string, taken func(id string) bool) string {
	for number := 1; ; number++ {
		if id := fmt.Sprintf("%s-%d", kind, number); !taken(id) {
			return id
		}
	}
}
