package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
	"github.com/tagwatch/tagwatch/lab/stack"
)

const (
	// benchPushes is how many images are pushed, one after the other.
	benchPushes = 9
	// pushPause is between two of them: nobody pushes the next image at once.
	pushPause = 3 * time.Second
)

// BenchmarkPush measures how long after the end of a push its webhooks arrive: that
// the tag moved, and what is in the image. Each image has one new layer of 1 MB above a
// base that was analyzed before.
func BenchmarkPush(b *testing.B) {
	for b.Loop() {
		dir, receiver := b.TempDir(), benchReceiver(b)
		running, registry := startPushing(b, dir)
		base := []lab.Part{lab.Debian(lab.Bookworm()...)}
		reference := pushBuilt(b, registry, base...)
		for _, command := range [][]string{{"endpoint", "add", "receiver", receiver.URL()}, {"feed", "sync"}, {"subscribe", "--wait", reference}} {
			_, err := running.Do(b.Context(), command...)
			try(b, err)
		}
		took := map[string][]time.Duration{}
		for n := range benchPushes {
			<-time.After(pushPause)
			pushBuilt(b, registry, append(base, megabyte(n))...)
			began := time.Now()
			for _, kind := range []string{"tag_update", "analysis_update"} {
				took[kind] = append(took[kind], arrival(b, receiver, kind, n+1).Sub(began))
			}
		}
		for kind, all := range took {
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2].Seconds(), kind+"-p50-s")
			b.ReportMetric(all[len(all)-1].Seconds(), kind+"-max-s")
		}
		try(b, running.Stop())
		try(b, registry.Close())
	}
}

// startPushing starts Tagwatch, which checks once an hour, and a Distribution registry
// that tells it of pushes.
func startPushing(b *testing.B, dir string) (*stack.Stack, *lab.Distribution) {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		b.Skip("Distribution is not installed: apt-get install docker-registry")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	try(b, err)
	address, sources := listener.Addr().String(), filepath.Join(dir, "push.yaml")
	try(b, listener.Close())
	try(b, os.WriteFile(filepath.Join(dir, "secret"), []byte(pushSecret+"\n"), 0o600))
	try(b, os.WriteFile(sources, []byte("sources:\n- {name: lab, kind: distribution, secret: 'file:"+dir+"/secret'}\n"), 0o600))
	registry, err := lab.StartDistribution(program, dir, lab.DistributionOptions{
		Events: lab.EventSink{URL: "http://" + address + "/push/lab", Authorization: "Bearer " + pushSecret}})
	try(b, err)
	builds, err := feed.New()
	try(b, err)
	b.Cleanup(func() { builds.Close() })
	_, err = builds.PublishBuild(b.TempDir(), feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Severity: "High"})
	try(b, err)
	running, err := stack.New(stack.Options{Bin: benchBin(b), DataDir: dir, Log: io.Discard, Env: []string{"TAGWATCH_POLL=1h",
		"TAGWATCH_PUSH_ADDRESS=" + address, "TAGWATCH_PUSH_SOURCES=" + sources, "TAGWATCH_FEED_URL=" + builds.ListingURL(), "TAGWATCH_FEED_INTERVAL=24h"}})
	try(b, err)
	try(b, running.Start(b.Context()))
	return running, registry
}

func pushBuilt(b *testing.B, registry *lab.Distribution, parts ...lab.Part) string {
	built, err := lab.NewImage(parts...)
	try(b, err)
	reference, err := registry.Push("shop/api:1.0", built)
	try(b, err)
	return reference
}

// megabyte is a layer that does not compress, different for each n.
func megabyte(n int) lab.Part {
	random := rand.New(rand.NewPCG(uint64(n), 0))
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return lab.Copy("/", lab.File{Path: fmt.Sprintf("/data/%d", n), Data: data})
}

// arrival is when the nth notification of a type arrived, after the first
// analysis, which the subscription asked for.
func arrival(b *testing.B, receiver *lab.Receiver, kind string, n int) time.Time {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	if kind == "analysis_update" {
		n++
	}
	for seen := 1; ; seen++ {
		hooks, err := receiver.WaitFor(ctx, seen)
		arrived := 0
		for _, hook := range hooks {
			var notified received
			try(b, json.Unmarshal(hook.Body, &notified))
			if notified.Kind == kind {
				arrived++
			}
			if arrived == n {
				return hook.At
			}
		}
		try(b, err)
	}
}
