package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Configuration is the folder of documents that a worker has.
type Configuration interface {
	// Version names what the folder holds, or why it cannot be read.
	Version() string
	// Apply makes what is stored what the folder declares, and counts the changes. A folder
	// that is wrong changes nothing. One that is being written is errkind.Unavailable.
	Apply(ctx context.Context) (changes int, err error)
}

// configured is the condition that the folder cannot be applied.
var configured = condition.Key{Kind: condition.NotApplied, Resource: condition.Task, Name: declaration.Folder}

// configurationWait is the time until a folder is tried again that could not be applied for
// a reason that may pass.
const configurationWait = time.Minute

// ApplyConfiguration applies the folder of documents that this worker has, and stores
// whether that can be done. What is wrong with it is an outcome, not a failure.
func (a *Activities) ApplyConfiguration(ctx context.Context) (declaration.Applied, error) {
	defer heartbeat(ctx, func() any { return "applying the folder of documents" })()
	if a.Configuration == nil {
		return declaration.Applied{}, classify(fmt.Errorf("this worker has no folder of documents; start it with --config-dir: %w", errkind.Conflict))
	}
	changes, err := a.Configuration.Apply(ctx)
	if ctx.Err() != nil {
		return declaration.Applied{}, ctx.Err()
	}
	applied := declaration.Applied{Changes: changes}
	if err != nil {
		applied.Problem = problem("", err, nil, a.now())
		applied.Retry = a.Resync
		if errors.Is(err, errkind.Unavailable) || errkind.Name(err) == "" {
			applied.Retry = min(configurationWait, a.Resync)
		}
	}
	found := applied.Problem.Wrong()
	if found != nil && applied.Retry < a.Resync {
		found.For = outageFor
	}
	_, err = a.follow(ctx, condition.Wrong(configured, found), nil)
	return applied, classify(err)
}

// FollowConfiguration has the folder of documents applied now, and whenever it changes,
// until the context ends. It is no step of a workflow: every worker sees its own folder.
func (a *Activities) FollowConfiguration(ctx context.Context, pace time.Duration, wake func(context.Context) error) {
	applied, before := "", ""
	for ctx.Err() == nil {
		// A folder that just changed may be written still.
		if version := a.Configuration.Version(); version == before && version != applied {
			if err := wake(ctx); err == nil {
				applied = version
			} else if ctx.Err() == nil {
				a.Log.WarnContext(ctx, "folder of documents not applied, it is tried again", "error", err)
			}
		} else {
			before = version
		}
		sleep(ctx, pace)
	}
}
