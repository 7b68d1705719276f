package declarations

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func diff(ctx context.Context, s *session.Session) error {
	_, plan, err := planned(ctx, s)
	if err != nil {
		return err
	}
	if err := s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) }); err != nil {
		return err
	}
	if !plan.Empty() {
		return exit.ErrAnswered
	}
	return nil
}

func apply(ctx context.Context, s *session.Session) error {
	document, plan, err := planned(ctx, s)
	if err != nil {
		return err
	}
	if s.Bool("dry-run") || plan.Empty() {
		return s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) })
	}
	if s.ForPeople() {
		writePlan(s, s.Out, plan)
	}
	s.Shown()
	a := applying{Session: s, made: map[declaration.Key]bool{}, total: plan.Count(declaration.Create, declaration.Update, declaration.Adopt, declaration.Delete)}
	if err := a.run(ctx, document); err != nil {
		return a.partly(ctx, err)
	}
	return s.Show(plan, func(w io.Writer) { fmt.Fprintf(w, "Applied %s\n", wording.Count(len(a.made), "change")) })
}

// applying applies a document in as many requests as it takes.
type applying struct {
	*session.Session
	made    map[declaration.Key]bool
	refused []declaration.Key
	total   int
}

var errPartly = errors.New("not everything was applied, and nothing was deleted; apply again once that is mended")

func (a *applying) run(ctx context.Context, document operations.Declaration) error {
	for more := true; more; {
		answer, err := operations.ApplyDeclaration.Run(ctx, a.System(), operations.DeclarationToApply{Declaration: document, Refused: a.refused})
		for _, key := range answer.Applied {
			a.made[key] = true
		}
		for _, refused := range answer.Refused {
			a.refused = append(a.refused, refused.Key)
			exit.Conclude(a.App.ErrWriter, unapplied(refused))
		}
		if err != nil {
			return err
		}
		if answer.Stopped != nil {
			return unapplied(*answer.Stopped)
		}
		if answer.Task != nil {
			if _, err := a.FollowTask(ctx, *answer.Task, "the evaluation goes on; apply the document again to go on"); err != nil {
				return err
			}
		}
		more = answer.More
	}
	if len(a.refused) > 0 {
		return exit.Refused("%w", errPartly)
	}
	return nil
}

func unapplied(c operations.UnappliedChange) error {
	place := ""
	if c.Place != nil {
		place = c.Place.String() + ": "
	}
	return fmt.Errorf("%s%s %s: %w", place, c.Kind, c.Name, c.Problem.Err())
}

// partly says how much was applied before an error.
func (a *applying) partly(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return &exit.Interrupted{Meanwhile: fmt.Sprintf("applied %d of %s; apply the document again to go on", len(a.made), wording.Count(a.total, "change"))}
	case len(a.made)+len(a.refused) == 0 && wrong(err):
		return nothingChanged(err)
	}
	exit.Conclude(a.App.ErrWriter, err)
	exit.Conclude(a.App.ErrWriter, fmt.Errorf("applied %d of %s; apply again to go on", len(a.made), wording.Count(a.total, "change")))
	return exit.Reported(exit.Code(err))
}

// wrong reports that a document as a whole is refused: what is wrong with it, or what it
// lists belongs to another owner.
func wrong(err error) bool {
	refused, ok := errors.AsType[*operations.Refusal](err)
	return ok && (errors.Is(refused, errkind.Invalid) || errors.Is(refused, errkind.Conflict)) && !errors.Is(refused, errkind.Unavailable)
}

func nothingChanged(err error) error { return exit.Usage("%w\nnothing was changed", err) }

// planned is the document that is given, and what would change for it.
func planned(ctx context.Context, s *session.Session) (operations.Declaration, declaration.Plan, error) {
	document, err := readDocument(s)
	if err != nil {
		return document, declaration.Plan{}, err
	}
	plan, err := operations.PlanDeclaration.Run(ctx, s.System(), document)
	if wrong(err) {
		err = nothingChanged(err)
	}
	return document, plan, err
}
