package operations

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ApplyDeclaration makes what is stored what a document declares. A document that is wrong,
// that lists what belongs to another owner, or that has a source which no worker can read,
// changes nothing. One change that is refused does not stop others, but then nothing is
// deleted. What may pass stops the rest. Whatever it is interrupted at, the same request
// continues from there.
var ApplyDeclaration = Operation[DeclarationToApply, AppliedDeclaration]{Name: "apply-declaration", Summary: "Make what is stored what a document declares",
	Method: http.MethodPost, Path: "/declaration", Scope: token.Admin, Whole: true, Large: true, do: applyDeclaration}

// DeclarationToApply applies a document.
type DeclarationToApply struct {
	Declaration
	Refused []declaration.Key `json:"refused,omitempty" maxItems:"100000" doc:"What answers to the same document had under refused: it is not tried again, and nothing is deleted."`
}

// AppliedDeclaration is what came of the changes, as far as they were made.
type AppliedDeclaration struct {
	Applied []declaration.Key `json:"applied" doc:"What was changed."`
	Refused []UnappliedChange `json:"refused" doc:"What could not be changed; the rest was."`
	Stopped *UnappliedChange  `json:"stopped,omitempty" doc:"What did not work, and may in a while: the changes behind it were not made."`
	More    bool              `json:"more" doc:"There is more to do: send the same request again, with what was refused, once the task has ended."`
	Task    *Task             `json:"task,omitempty" doc:"The work that evaluates tags with what was changed."`
}

// UnappliedChange is a change that was not made.
type UnappliedChange struct {
	declaration.Key
	// Place is where the document declares it; missing for what was to be deleted.
	Place   *declaration.Place `json:"place,omitempty"`
	Problem TagRefusal         `json:"problem"`
}

// roundTime is how long changes are made before the answer: after it, one more may take
// its time.
const roundTime = 15 * time.Second

func applyDeclaration(ctx context.Context, s *System, request DeclarationToApply) (AppliedDeclaration, error) {
	applied := AppliedDeclaration{Applied: []declaration.Key{}, Refused: []UnappliedChange{}}
	plan, err := planDeclaration(ctx, s, request.Declaration)
	if err != nil {
		return applied, err
	}
	plan.Changes = slices.DeleteFunc(plan.Changes, func(c declaration.Change) bool {
		return slices.Contains(request.Refused, c.Key) || len(request.Refused) > 0 && c.Action == declaration.Delete
	})
	if needsWorkers(plan) { // nothing is stored that could not be applied
		err := s.ask(ctx, "apply the document", signalTimeout, func(ctx context.Context, c client.Client) error {
			_, err := c.Attended(ctx)
			return err
		})
		if err != nil {
			return applied, err
		}
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return applied, err
	}
	begun := time.Now()
	err = declaring{kept, &asking{System: s}, plan, audit.ActorOf(ctx).Name, s.Now, func() bool { return time.Since(begun) > roundTime }, time.Now, &applied}.run(ctx)
	return applied, err
}

// needsWorkers reports whether changes are made, or evaluated, by workers.
func needsWorkers(plan declaration.Plan) bool {
	return slices.ContainsFunc(plan.Changes, func(c declaration.Change) bool {
		if c.Action == declaration.Unchanged || c.Action == declaration.LeftAlone || c.Action == declaration.Adopt && len(c.Fields) == 0 {
			return false
		}
		active := c.Declared != nil && c.Declared.Bundle != nil && c.Declared.Bundle.Active || c.Stored != nil && c.Stored.Bundle != nil && c.Stored.Bundle.Active
		return active || c.Kind != declaration.OfEndpoint && c.Kind != declaration.OfPolicy
	})
}

// declaring applies a plan.
type declaring struct {
	declaredStore
	declaredWorkers
	plan declaration.Plan
	by   string
	now  time.Time
	late func() bool // whether the rest is for another request
	// clock times pages of tags.
	clock func() time.Time
	done  *AppliedDeclaration
}

var (
	// errPaused ends the changes of one request, and errStopped those of all.
	errPaused  = errors.New("paused")
	errStopped = errors.New("stopped")
)

func (d declaring) run(ctx context.Context) error {
	if err := d.readSources(ctx); err != nil {
		return err
	}
	if err := d.claim(ctx); err != nil {
		return err
	}
	err := d.change(ctx)
	d.done.More = errors.Is(err, errPaused)
	if err != nil && !errors.Is(err, errPaused) && !errors.Is(err, errStopped) {
		return err
	}
	if err := d.release(ctx); err != nil {
		return err
	}
	ofRisk := func(k declaration.Key) bool { return k.Kind == declaration.OfAcceptance }
	if d.done.Task != nil || d.done.Stopped != nil || !slices.ContainsFunc(d.done.Applied, ofRisk) {
		return nil
	}
	task, err := d.evaluateAcceptances(ctx)
	if err != nil {
		return err
	}
	d.done.Task = &task
	return nil
}

// change makes the changes in order, as many as there is time for.
func (d declaring) change(ctx context.Context) error {
	var subscribes, deletes []declaration.Change
	for _, c := range d.plan.Changes {
		switch {
		case c.Action == declaration.Delete:
			deletes = append(deletes, c)
		case c.Action == declaration.Unchanged || c.Action == declaration.LeftAlone:
		case c.Kind == declaration.OfSubscription:
			subscribes = append(subscribes, c)
		default:
			if err := d.finish(ctx, d.save(ctx, c), c); err != nil {
				return err
			}
		}
	}
	if err := d.subscribeAll(ctx, subscribes); err != nil {
		return err
	}
	if len(d.done.Refused) > 0 {
		return nil
	}
	return d.deleteAll(ctx, deletes)
}

// finish records what came of changes that were made at once, and pauses if it is late, or
// tags have to be evaluated first.
func (d declaring) finish(ctx context.Context, err error, changes ...declaration.Change) error {
	for _, c := range changes {
		if err := d.record(ctx, c, err); err != nil {
			return err
		}
	}
	if d.done.Task != nil || d.late() {
		return errPaused
	}
	return nil
}

func (d declaring) record(ctx context.Context, c declaration.Change, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		d.done.Applied = append(d.done.Applied, c.Key)
		return nil
	}
	unapplied := UnappliedChange{Key: c.Key, Place: c.Place, Problem: TagRefusal{Kind: errkind.Name(err), Message: errkind.Text(err)}}
	refusal, public := errors.AsType[*Refusal](err)
	if public {
		unapplied.Problem.Hint = refusal.Hint
	}
	switch {
	case permanent(err):
		d.done.Refused = append(d.done.Refused, unapplied)
		return nil
	case public:
		d.done.Stopped = &unapplied
		return errStopped
	}
	return err
}

// permanent tells what is wrong with one thing from what ends everything.
func permanent(err error) bool {
	return (errkind.Permanent(err) || errors.Is(err, errkind.Conflict)) && !errors.Is(err, errkind.Unavailable)
}

// readSources has a worker read the sources that are created or changed, before anything
// is changed: one that cannot be read is refused with its place.
func (d declaring) readSources(ctx context.Context) error {
	var faults declaration.Faults
	for _, c := range d.plan.Changes {
		if c.Kind != declaration.OfSource || c.Declared == nil || len(c.Fields) == 0 || c.Action == declaration.LeftAlone {
			continue
		}
		asked := *c.Declared.Source
		asked.Options.Endpoints = nil // which the document may declare itself, and were checked with it
		if _, err := d.readSource(ctx, asked); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if refusal, public := errors.AsType[*Refusal](err); public && !permanent(err) {
				return &Refusal{Kind: refusal.Kind, Text: fmt.Sprintf("%s: source %s: %s", c.Place, c.Name, refusal.Text), Hint: refusal.Hint, Cause: err}
			}
			if !permanent(err) {
				return fmt.Errorf("%s: source %s: %w", c.Place, c.Name, err)
			}
			faults = append(faults, declaration.Fault{Place: *c.Place, Path: "source " + c.Name, Text: errkind.Text(err)})
		}
	}
	if faults != nil {
		return refusedDocument(faults)
	}
	return nil
}

// claim has all that is created or changed belong to the owner, before any of it is.
func (d declaring) claim(ctx context.Context) error {
	var keys []declaration.Key
	for _, c := range d.plan.Changes {
		if c.Action == declaration.Create || c.Action == declaration.Update || c.Action == declaration.Adopt {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return refusedDocument(d.Claim(ctx, d.plan.Owner, keys, d.now))
}

// release has what was refused belong to nobody, so that the owner does not delete what
// somebody makes of that name by hand.
func (d declaring) release(ctx context.Context) error {
	var unmade []declaration.Key
	for _, c := range d.plan.Changes {
		if c.Action == declaration.Create && slices.ContainsFunc(d.done.Refused, func(u UnappliedChange) bool { return u.Key == c.Key }) {
			unmade = append(unmade, c.Key)
		}
	}
	if len(unmade) == 0 {
		return nil
	}
	return d.Release(ctx, d.plan.Owner, unmade, d.now)
}
