package main

import (
	"context"
	"fmt"
	"time"
)

// loseCluster has the API server of the cluster be away, stand still, break its streams,
// forget the versions that they would go on from, or come back from a backup with others.
func (w *world) loseCluster(ctx context.Context, f faultPlan) (did string, err error) {
	defer w.hold(cluster)()
	forms := []func(context.Context) (string, bool, error){w.clusterAway, w.clusterStands, w.streamsBreak, w.versionsExpire, w.clusterRestored}
	did, held, err := forms[f.form%uint64(len(forms))](ctx)
	if err == nil && !held {
		err = notHeld(did)
	}
	return did, err
}

// clusterAway lasts until a reading has failed.
func (w *world) clusterAway(ctx context.Context) (string, bool, error) {
	if err := w.cluster.Pause(); err != nil {
		return "", false, err
	}
	held := until(ctx, faultSpan, func() bool { return w.unreadable(ctx) })
	return "API server away, a reading failed", held, w.cluster.Resume()
}

// unreadable reports whether the last reading failed, by a query of the workflow: commands
// show that only once it has lasted.
func (w *world) unreadable(ctx context.Context) bool {
	temporal, err := w.dialTemporal(ctx)
	if err != nil {
		return false // it may be away just now
	}
	defer temporal.Close()
	answer, err := temporal.QueryWorkflow(ctx, "source:"+cluster, "", "status")
	if err != nil {
		return false
	}
	var state struct {
		Last struct{ Problem *struct{ Message string } }
	}
	return answer.Get(&state) == nil && state.Last.Problem != nil
}

func (w *world) clusterStands(ctx context.Context) (string, bool, error) {
	link := w.links[cluster]
	before := link.Held()
	thaw := link.Freeze()
	defer thaw()
	held := until(ctx, faultSpan, func() bool { return link.Held() > before })
	return fmt.Sprintf("API server still, %d connections waited", link.Held()-before), held, nil
}

func (w *world) streamsBreak(ctx context.Context) (string, bool, error) {
	before := w.cluster.Opened()
	for range tries {
		w.cluster.Break()
		wait(ctx, time.Now(), faultSpan/tries)
	}
	held := until(ctx, phase, func() bool { return w.cluster.Opened() > before })
	return fmt.Sprintf("streams broken %d times, %d opened again", tries, w.cluster.Opened()-before), held, nil
}

func (w *world) versionsExpire(ctx context.Context) (string, bool, error) {
	before := w.cluster.Expired()
	held := until(ctx, phase, func() bool {
		w.cluster.Compact()
		w.cluster.Break()
		wait(ctx, time.Now(), phase)
		return w.cluster.Expired() > before
	})
	return fmt.Sprintf("versions forgotten, %d streams refused", w.cluster.Expired()-before), held, nil
}

func (w *world) clusterRestored(ctx context.Context) (string, bool, error) {
	if err := w.cluster.Pause(); err != nil {
		return "", false, err
	}
	wait(ctx, time.Now(), phase)
	before := w.cluster.Opened()
	w.cluster.Restore()
	if err := w.cluster.Resume(); err != nil {
		return "", false, err
	}
	held := until(ctx, faultSpan, func() bool { return w.cluster.Opened() > before })
	return fmt.Sprintf("API server restored from a backup, %d streams opened", w.cluster.Opened()-before), held, nil
}
