package activities_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// folder is one of documents, which a test changes.
type folder struct {
	mu      sync.Mutex
	version string
	err     error
}

func (f *folder) set(version string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version = version
}

func (f *folder) Version() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.version
}

func (f *folder) Apply(context.Context) (int, error) { return 3, f.err }

// TestApplyConfiguration: a folder that is wrong is a condition, which is notified at once,
// and is over once the folder is applied. What may pass is one after a while.
func TestApplyConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("log", notification.EventLog)
	documents := &folder{}
	r.steps.Configuration = documents
	apply := func(err error, problem bool, conditions int) {
		t.Helper()
		documents.err = err
		applied := do[declaration.Applied](r, r.steps.ApplyConfiguration)
		if (applied.Problem != nil) != problem || problem != (applied.Retry > 0) {
			t.Errorf("applied %+v, want a problem: %t", applied, problem)
		}
		found, err := r.store.Conditions(t.Context(), condition.Scope{Kinds: []condition.Kind{condition.NotApplied}})
		r.must(err)
		if len(condition.Confirmed(found)) != conditions {
			t.Errorf("conditions %+v, want %d", found, conditions)
		}
	}
	apply(nil, false, 0)
	apply(fmt.Errorf("a.yaml:1: missing property 'owner': %w", errkind.Invalid), true, 1)
	apply(nil, false, 0)
	apply(fmt.Errorf("a registry does not respond: %w", errkind.Unavailable), true, 0)
	r.clock.advance(time.Hour)
	apply(errors.New("a database that is away"), true, 1)
	apply(nil, false, 0)
}

// TestFollowConfiguration has a folder applied when the worker starts and when the folder
// has changed, and again if that did not come through.
func TestFollowConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	documents := &folder{version: "one"}
	r.steps.Configuration = documents
	woken, refused := make(chan string), true
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.steps.FollowConfiguration(ctx, 5*time.Millisecond, func(ctx context.Context) error {
			if refused = !refused; refused {
				return errors.New("Temporal is away")
			}
			select {
			case woken <- documents.Version():
			case <-ctx.Done():
			}
			return nil
		})
	}()
	for _, version := range []string{"one", "two", "one"} {
		documents.set(version)
		if got := <-woken; got != version {
			t.Errorf("woken for %s, want %s", got, version)
		}
	}
	stop()
	<-done
}
