package operations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// declaredStore is the part of the store that a plan is applied with.
type declaredStore interface {
	Claim(ctx context.Context, owner string, things []declaration.Key, now time.Time) error
	Release(ctx context.Context, owner string, things []declaration.Key, now time.Time) error
	SaveEndpoint(ctx context.Context, e endpoint.Endpoint, now time.Time) error
	DeleteEndpoint(ctx context.Context, name string, now time.Time) error
	SaveBundle(ctx context.Context, b policy.StoredBundle, now time.Time) error
	DeleteBundle(ctx context.Context, id string, now time.Time) error
	Aliases(ctx context.Context, vulnerability string) ([]string, error)
	Accept(ctx context.Context, accepted []acceptance.Acceptance) ([]acceptance.Acceptance, error)
	ExtendAcceptance(ctx context.Context, id int64, until time.Time, by string, now time.Time) (acceptance.Acceptance, error)
	RevokeAcceptance(ctx context.Context, id int64, by string, now time.Time) (acceptance.Acceptance, error)
	SaveRepository(ctx context.Context, repository taglist.Repository, now time.Time) error
	UnwatchTags(ctx context.Context, name image.Repository, now time.Time) ([]image.Target, error)
	DeleteRepository(ctx context.Context, name image.Repository, now time.Time) error
	SaveSource(ctx context.Context, saved source.Source, now time.Time) error
	DeleteSource(ctx context.Context, name string, now time.Time) ([]image.Target, error)
	Namesakes(ctx context.Context, target image.Target) ([]image.Target, error)
	UnsubscribeAll(ctx context.Context, ends []subscription.End, now time.Time) error
}

var _ declaredStore = (*store.Store)(nil)

// declaredWorkers is what workers do of a plan. Wakes are hints, which may get lost.
type declaredWorkers interface {
	readSource(ctx context.Context, asked source.Source) (source.Plan, error)
	subscribe(ctx context.Context, request subscription.Request) ([]subscription.Result, error)
	// These begin what takes long.
	activate(ctx context.Context, bundle string) (Task, error)
	evaluateAcceptances(ctx context.Context) (Task, error)
	wake(ctx context.Context, doing string, wake func(context.Context, client.Client) error)
}

// asking has the workers do it by way of Temporal.
type asking struct {
	*System
	silent bool // a wake-up failed
}

func (a *asking) subscribe(ctx context.Context, request subscription.Request) (results []subscription.Result, err error) {
	timeout := requestTimeout + time.Duration(len(request.Targets))*tagTimeout
	err = a.ask(ctx, fmt.Sprintf("subscribe to %d tags", len(request.Targets)), timeout, func(ctx context.Context, c client.Client) (err error) {
		results, err = c.Subscribe(ctx, request)
		return err
	})
	return results, fromWorkers(refused(err))
}

func (a *asking) readSource(ctx context.Context, asked source.Source) (source.Plan, error) {
	plan, err := a.System.readSource(ctx, asked)
	return plan, fromWorkers(err)
}

// fromWorkers makes a refusal of what workers say may pass: it is about a registry or a source.
func fromWorkers(err error) error {
	if _, already := errors.AsType[*Refusal](err); already || !errors.Is(err, errkind.Unavailable) {
		return err
	}
	return &Refusal{Kind: errkind.Unavailable, Text: errkind.Text(err), Cause: err}
}

func (a *asking) activate(ctx context.Context, bundle string) (Task, error) {
	return a.begin(ctx, "activate bundle "+bundle, func(ctx context.Context, c client.Client) (client.Run, error) { return c.ApplyPolicy(ctx, bundle) })
}

func (a *asking) evaluateAcceptances(ctx context.Context) (Task, error) {
	return a.begin(ctx, "evaluate with the stored acceptances", func(ctx context.Context, c client.Client) (client.Run, error) { return c.ApplyAcceptances(ctx) })
}

func (a *asking) wake(ctx context.Context, doing string, wake func(context.Context, client.Client) error) {
	// Without the wake-up, the change is noticed at the next resync. A Temporal that does
	// not respond is not waited for again.
	if !a.silent {
		a.silent = a.ask(ctx, doing, signalTimeout, wake) != nil
	}
}
