package e2e_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/lab"
)

// TestUpgradeWithoutPause replaces a version of the workers by the next while
// both run: watchers go on with the new one, and it reports what happens.
func TestUpgradeWithoutPause(t *testing.T) {
	t.Parallel()
	i := bring(t, "TAGWATCH_DEPLOYMENT=tagwatch", "TAGWATCH_BUILD_ID=1")
	temporal := made(client.Dial(client.Options{HostPort: i.Temporal(), Logger: quiet{}}))(t)
	t.Cleanup(temporal.Close)
	i.eventually("the doctor says who has to get the work", func() bool {
		return fails(i.examine(1), "workers", "set-current-version --deployment-name tagwatch --build-id 1")
	})
	i.makeCurrent(temporal, "1")
	i.do("endpoint", "add", "receiver", i.receiver.URL())
	i.do("feed", "sync")
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", reference, "--wait")
	i.notified(1)
	if got := i.servedBy(temporal, reference); got != "1" {
		t.Fatalf("the watcher is of version %q, want 1", got)
	}

	i.startWorker("TAGWATCH_DEPLOYMENT=tagwatch", "TAGWATCH_BUILD_ID=2")
	i.makeCurrent(temporal, "2")
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	i.do("rescan", reference)
	found := i.notified(3) // and analysis_update and tag_update of the new image
	if kinds(found)["tag_update"] != 1 {
		t.Errorf("notified %v", kinds(found))
	}
	if got := i.servedBy(temporal, reference); got != "2" {
		t.Errorf("the watcher is of version %q, want 2", got)
	}
}

// makeCurrent makes a version the one that gets the work, as
// temporal worker deployment set-current-version does.
func (i *installation) makeCurrent(temporal client.Client, build string) {
	i.t.Helper()
	deployment := temporal.WorkerDeploymentClient().GetHandle("tagwatch")
	i.eventually("version "+build+" is current", func() bool { // once Temporal has seen its workers
		_, err := deployment.SetCurrentVersion(i.t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		return err == nil
	})
}

// servedBy is the version that did the last step of a tag's watcher.
func (i *installation) servedBy(temporal client.Client, reference string) string {
	i.t.Helper()
	described := made(temporal.DescribeWorkflowExecution(i.t.Context(), "watch-tag:"+reference, ""))(i.t)
	return described.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId()
}

// startWorker starts a further worker with those settings, to be stopped at the end
// of the test at the latest.
func (i *installation) startWorker(settings ...string) (stop func()) {
	i.t.Helper()
	return i.startBeside(bin(i.t), settings...).stop
}

// besideWorker is a further worker of an installation.
type besideWorker struct {
	listen string
	log    *testLog
	ended  chan struct{}
	failed error // once it has ended
	stop   func()
}

// startBeside is startWorker with the program of a folder.
func (i *installation) startBeside(programs string, settings ...string) *besideWorker {
	i.t.Helper()
	listener := made(net.Listen("tcp", "127.0.0.1:0"))(i.t)
	w := &besideWorker{listen: listener.Addr().String(), log: newLog(i.t), ended: make(chan struct{})}
	must(i.t, listener.Close())
	command := exec.Command(filepath.Join(programs, "tagwatch-worker"))
	command.Env = append(os.Environ(), "TEMPORAL_ADDRESS="+i.Temporal(), "TAGWATCH_DATA_DIR="+i.DataDir(), "TAGWATCH_LISTEN="+w.listen,
		"TAGWATCH_FEED_URL="+i.feed.ListingURL())
	command.Env = append(command.Env, settings...)
	command.Stdout, command.Stderr = w.log, w.log
	must(i.t, command.Start())
	go func() {
		w.failed = command.Wait()
		close(w.ended)
	}()
	w.stop = sync.OnceFunc(func() {
		_ = command.Process.Signal(syscall.SIGTERM) // one that has ended says how below
		<-w.ended
		must(i.t, w.failed)
	})
	i.t.Cleanup(w.stop)
	return w
}

// quiet logs nothing.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
