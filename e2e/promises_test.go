package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestFiftyTagsOneImage: however many tags point to an image, it is analyzed
// once, and each tag's subscriber is notified.
func TestFiftyTagsOneImage(t *testing.T) {
	t.Parallel()
	const tags = 50
	i := install(t)
	i.push("shop/api:0", lab.Debian(lab.Bookworm()...))
	references := make([]string, tags)
	for n := range references {
		name := fmt.Sprintf("shop/api:%d", n)
		if n > 0 {
			must(t, i.registry.Tag("shop/api:0", fmt.Sprint(n)))
		}
		references[n] = i.registry.Host() + "/" + name
	}
	i.do(append([]string{"subscribe", "--wait"}, references...)...)
	found := i.notified(tags)
	if got, want := kinds(found), map[string]int{"analysis_update": tags}; !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
	// An analysis reads the image's configuration and each layer: once means one
	// request for each blob.
	blobs := map[string]int{}
	for _, call := range i.registry.Calls() {
		if call.Kind == lab.KindBlob && call.Method == http.MethodGet {
			blobs[call.Reference]++
		}
	}
	for digest, requests := range blobs {
		if requests != 1 {
			t.Errorf("blob %s was read %d times", digest, requests)
		}
	}
	if len(blobs) != 2 {
		t.Errorf("%d blobs were read, want the configuration and one layer", len(blobs))
	}
}

// TestKilledInAnalysis: a worker that dies in the middle of an analysis loses
// nothing.
func TestKilledInAnalysis(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	lift := i.registry.Fail(lab.Fault{Method: http.MethodGet, Path: "/blobs/", Stall: true})
	i.do("subscribe", reference)
	i.eventually("the analysis begins", func() bool {
		return i.registry.Count(lab.Call{Kind: lab.KindBlob, Method: http.MethodGet}) > 0
	})
	must(t, i.Kill("tagwatch-worker"))
	lift()
	if got, want := kinds(i.notified(1)), map[string]int{"analysis_update": 1}; !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
}

// TestKilledInDelivery: a worker that dies while a receiver has the request in
// hand sends it again, with the same id.
func TestKilledInDelivery(t *testing.T) {
	t.Parallel()
	i := install(t)
	lift := i.receiver.Fail(lab.Fault{Stall: true})
	i.do("subscribe", i.push("shop/api:1", lab.Debian(lab.Bookworm()...)))
	i.notified(1) // the receiver has it and does not answer
	must(t, i.Kill("tagwatch-worker"))
	lift()
	i.eventually("the delivery is made again", func() bool { return len(i.receiver.All()) > 1 })
	i.eventually("the delivery is recorded", func() bool { return i.do("deliveries", "--state", "pending", "-o", "json") == "[]\n" })
	if found := i.notified(1); len(found) != 1 {
		t.Errorf("one notification came with %d ids", len(found))
	}
}

// TestTemporalKilledBeforeDelivery: what was detected while the receiver was
// down is delivered after Temporal died and came back.
func TestTemporalKilledBeforeDelivery(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.receiver.Pause()
	i.do("subscribe", "--wait", i.push("shop/api:1", lab.Debian(lab.Bookworm()...)))
	must(t, i.Kill("tagwatch-temporal"))
	must(t, i.receiver.Resume())
	if got, want := kinds(i.notified(1)), map[string]int{"analysis_update": 1}; !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
}

// TestStopAndStart: an installation that was stopped goes on where it was.
func TestStopAndStart(t *testing.T) {
	t.Parallel()
	i := install(t)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", reference)
	i.notified(1)
	must(t, i.Stop())
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	must(t, i.Start(t.Context()))
	i.do("rescan", reference)
	got := kinds(i.notified(3))
	if got["tag_update"] != 1 || got["analysis_update"] != 2 {
		t.Errorf("notified %v, want the move and the second analysis", got)
	}
}
