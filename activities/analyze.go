package activities

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// Analyzer makes inventories.
type Analyzer interface {
	// Version identifies the analyzer and its configuration: another version may
	// find other things in the same image.
	Version() string
	// Analyze pulls what it lacks of an image and returns its inventory and its
	// SBOM in syft's JSON. It asks known for an earlier analysis of the same layers,
	// and reports in words what it is doing.
	Analyze(ctx context.Context, repository image.Repository, digest image.Digest, known Known, report func(string)) (*sbom.Inventory, []byte, error)
}

// Known returns what the same version of the analyzer made of an image with the
// same file system; errkind.NotFound if there is none.
type Known = func(ctx context.Context, fileSystem string) (*sbom.Inventory, []byte, error)

// imageStore keeps images, once for all tags that point to them.
type imageStore interface {
	ImageHeader(ctx context.Context, digest image.Digest) (analysis.Image, error)
	SaveImage(ctx context.Context, inventory *sbom.Inventory, document []byte, analyzer string, now time.Time) error
	SaveFailure(ctx context.Context, digest image.Digest, analyzer string, problem condition.Problem, now time.Time) error
	Inventory(ctx context.Context, digest image.Digest) (*sbom.Inventory, error)
	SBOM(ctx context.Context, digest image.Digest) ([]byte, error)
	// ImageLike is an image with that file system that the analyzer analyzed.
	ImageLike(ctx context.Context, fileSystem, analyzer string) (image.Digest, error)
}

// RequestAnalysis has an image analyzed once, whoever else asks for it.
func (a *Activities) RequestAnalysis(ctx context.Context, request analysis.Request) error {
	return classify(a.Watchers.RequestAnalysis(ctx, request))
}

// Analyze makes the inventory of an image, unless that is done. An image that
// can never be analyzed is an outcome, which is kept like an inventory.
func (a *Activities) Analyze(ctx context.Context, request analysis.Request) (analysis.Result, error) {
	var doing atomic.Value
	doing.Store("starting")
	defer heartbeat(ctx, func() any { return doing.Load() })() // until the result is stored
	result := analysis.Result{Digest: request.Digest}
	if request.Urgency == analysis.NotUrgent {
		if err := a.leadAnalysis(ctx); err != nil {
			return result, classify(err)
		}
	}
	stored, err := a.Store.ImageHeader(ctx, request.Digest)
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return result, classify(err)
	}
	if err == nil && a.settled(stored, request.Force) {
		result.Problem, result.Packages, result.Files = stored.Problem, stored.Packages, stored.Files
		return result, nil
	}
	inventory, document, err := a.Analyzer.Analyze(ctx, request.Target.Reference.Repository, request.Digest, a.known, func(step string) { doing.Store(step) })
	if err != nil {
		return a.failed(ctx, request, err)
	}
	doing.Store("storing")
	result.Packages, result.Files = len(inventory.Packages), len(inventory.Files)
	return result, classify(a.Store.SaveImage(ctx, inventory, document, a.Analyzer.Version(), a.now()))
}

// settled reports whether an image needs no analysis: an inventory serves until a
// newer one replaces it, a failure only for the analyzer that failed.
func (a *Activities) settled(stored analysis.Image, again bool) bool {
	if stored.Problem == nil {
		return !again || stored.Analyzer == a.Analyzer.Version()
	}
	return !again && stored.Analyzer == a.Analyzer.Version()
}

// known is the analysis of an image with the same layers.
func (a *Activities) known(ctx context.Context, fileSystem string) (*sbom.Inventory, []byte, error) {
	like, err := a.Store.ImageLike(ctx, fileSystem, a.Analyzer.Version())
	if err != nil {
		return nil, nil, err
	}
	inventory, err := a.Store.Inventory(ctx, like)
	if err != nil {
		return nil, nil, err
	}
	document, err := a.Store.SBOM(ctx, like)
	return inventory, document, err
}

// longestSilence is the longest pause that a registry may ask for between two tries of
// one step: nobody hears of the first before the last.
const longestSilence = time.Minute

// failed keeps a failure that lies in the image. Everything else is tried again
// or notified to whoever asked: a registry that refuses, a worker that stops.
func (a *Activities) failed(ctx context.Context, request analysis.Request, err error) (analysis.Result, error) {
	if ctx.Err() != nil {
		return analysis.Result{}, classify(ctx.Err())
	}
	if !errors.Is(err, errkind.Invalid) && !errors.Is(err, errkind.Limit) {
		if request.Urgency != analysis.NotUrgent && retryAfter(err) > longestSilence {
			err = classifyAsked(err) // the workflow tells the watchers, and tries again
		}
		return analysis.Result{}, classify(err)
	}
	p := problem(condition.StageAnalyze, err, nil, a.now())
	if err := a.notifyFailed(ctx, request, p); err != nil {
		return analysis.Result{}, classify(err)
	}
	err = a.Store.SaveFailure(ctx, request.Digest, a.Analyzer.Version(), *p, a.now())
	return analysis.Result{Digest: request.Digest, Problem: p}, classify(err)
}

// notifyFailed tells the event log that an image cannot be analyzed, once for each
// version of the analyzer.
func (a *Activities) notifyFailed(ctx context.Context, request analysis.Request, p *condition.Problem) error {
	return a.log(ctx, notification.Logged{Event: "user.image.analysis.failed", Level: notification.LevelError,
		Message: "Failed to analyze image: " + p.Message, Details: map[string]any{"imageDigest": request.Digest},
		Resource: notification.Resource{ID: request.Target.String(), Kind: "image_tag"}}, string(request.Digest)+" "+a.Analyzer.Version())
}
