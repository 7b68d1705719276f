package registry_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// hurry is a client that nothing but the registry holds back.
var hurry = registry.Options{RequestsPerSecond: 1e6}

// poll asks for tags side by side, and returns how many were answered and the
// errors of the others.
func poll(t *testing.T, client *registry.Registry, refs []image.Reference) (answered int, failures []error) {
	t.Helper()
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(8)
	for _, ref := range refs {
		group.Go(func() error {
			_, err := client.Head(t.Context(), ref)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, err)
			} else {
				answered++
			}
			return nil
		})
	}
	_ = group.Wait() // failures are kept
	return answered, failures
}

func times(ref image.Reference, n int) (refs []image.Reference) {
	for range n {
		refs = append(refs, ref)
	}
	return refs
}

// A thousand tags of fifty repositories, polled ten times, with a token for
// each repository.
func TestPollingIsCheap(t *testing.T) {
	const repositories, tags, polls = 50, 20, 10
	service, store := tokens(t, nil, "robot", "hunter2", ""), startLab(t)
	built := build(t, lab.Copy("/app", lab.Text("/app", "x")))
	var refs []image.Reference
	for r := range repositories {
		push(t, store, fmt.Sprintf("team/app%d:0", r), built)
		for tag := range tags {
			if err := store.Tag(fmt.Sprintf("team/app%d:0", r), fmt.Sprint(tag)); err != nil {
				t.Fatal(err)
			}
			refs = append(refs, reference(t, store.Reference(fmt.Sprintf("team/app%d:%d", r, tag))))
		}
	}
	store.RequireTokens(service)
	client := newClient(t, hurry)
	login(t, store.Host(), basic("robot", "hunter2"))
	store.Forget()
	for range polls {
		if answered, failures := poll(t, client, refs); answered != len(refs) {
			t.Fatalf("%d of %d answered: %v", answered, len(refs), failures[0])
		}
	}
	requests := len(store.Calls()) + service.Issued("")
	if most := repositories * tags * polls * 101 / 100; requests > most || service.Issued("") != repositories {
		t.Errorf("%d requests, of them %d for tokens; want at most %d, and %d", requests, service.Issued(""), most, repositories)
	}
	t.Logf("%d polls of tags: %d requests to the registry, %d for tokens: %.4f for each", repositories*tags*polls,
		len(store.Calls()), service.Issued(""), float64(requests)/(repositories*tags*polls))
}

func TestConnectionsAreReused(t *testing.T) {
	store, client := startLab(t), newClient(t, hurry)
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	var opened atomic.Int64
	counted := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: store.Host()}))
	counted.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	counted.Start()
	t.Cleanup(counted.Close)
	ref := reference(t, strings.TrimPrefix(counted.URL, "http://")+"/app:1")
	for range 10 {
		if answered, failures := poll(t, client, times(ref, 100)); answered != 100 {
			t.Fatal(failures)
		}
	}
	// Eight at a time; net/http opens some in advance that it then has no use for.
	if opened.Load() > 24 {
		t.Errorf("%d connections for 1000 requests, want 24 at most", opened.Load())
	}
}

// What a registry announces is used to the last request, and no further.
func TestAnnouncedLimitIsNeverExceeded(t *testing.T) {
	const limit, asked = 100, 250
	for _, test := range []struct {
		name  string
		quota lab.Quota
		used  int // by somebody else before
		heads int // that are answered
		gets  int
	}{
		{"everything counts", lab.Quota{Limit: limit, Window: 6 * time.Hour, Heads: true}, 0, limit, 0},
		{"only pulls count", lab.Quota{Limit: limit, Window: 6 * time.Hour}, 0, asked, limit},
		{"little is left", lab.Quota{Limit: limit, Window: 6 * time.Hour, Heads: true}, limit - 3, 3, 0},
		{"one is left", lab.Quota{Limit: limit, Window: 6 * time.Hour}, limit - 1, asked, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, hurry)
			push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
			ref := reference(t, store.Reference("app:1"))
			store.Allow(test.quota)
			for range test.used {
				if _, err := newClient(t, hurry).Resolve(t.Context(), ref, "", image.Platform{}); err != nil {
					t.Fatal(err)
				}
			}
			heads, failures := poll(t, client, times(ref, asked))
			gets := 0
			for range asked {
				_, err := client.Resolve(t.Context(), ref, "", image.Platform{})
				if err == nil {
					gets++
				} else {
					failures = append(failures, err)
				}
			}
			if heads != test.heads || gets != test.gets || store.Refused() != 0 {
				t.Errorf("%d HEAD and %d GET answered, %d refused with 429; want %d, %d and none", heads, gets, store.Refused(), test.heads, test.gets)
			}
			for _, err := range failures {
				if !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), "allows 100 requests in 6h") || retryAfter(err) < 5*time.Hour {
					t.Fatalf("error %v, to be tried again in %s", err, retryAfter(err))
				}
			}
		})
	}
}

func retryAfter(err error) time.Duration {
	var cooling *registry.CoolDownError
	if !errors.As(err, &cooling) {
		return 0
	}
	return cooling.RetryAfter()
}

func TestRetryAfterClosesTheHostForAll(t *testing.T) {
	for _, test := range []struct {
		name, value string
		status      int
		least, most time.Duration
	}{
		{"seconds", "120", http.StatusTooManyRequests, 110 * time.Second, 2 * time.Minute},
		{"a date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), http.StatusTooManyRequests, 55 * time.Minute, time.Hour},
		{"a date in the past", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), http.StatusTooManyRequests, time.Second / 2, time.Second},
		{"a fraction", "90.5", http.StatusTooManyRequests, 80 * time.Second, 91 * time.Second},
		{"a unit", "2m", http.StatusTooManyRequests, 110 * time.Second, 2 * time.Minute},
		{"seconds since 1970", fmt.Sprint(time.Now().Add(time.Hour).Unix()), http.StatusTooManyRequests, 55 * time.Minute, time.Hour},
		{"at once", "0", http.StatusTooManyRequests, time.Second / 2, time.Second},
		{"nothing", "", http.StatusTooManyRequests, time.Second / 2, time.Second},
		{"nonsense", "soon", http.StatusTooManyRequests, time.Second / 2, time.Second},
		{"for ever", "99999999", http.StatusTooManyRequests, 5 * time.Hour, 6 * time.Hour},
		{"unavailable", "30", http.StatusServiceUnavailable, 25 * time.Second, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, hurry)
			header := http.Header{}
			if test.value != "" {
				header.Set("Retry-After", test.value)
			}
			store.Fail(lab.Fault{Path: "/manifests/", Status: test.status, Header: header})
			_, failures := poll(t, client, times(reference(t, store.Reference("app:1")), 1))
			store.Heal()
			store.Forget()
			_, later := poll(t, client, times(reference(t, store.Reference("other:1")), 20))
			for _, err := range append(failures, later...) {
				if wait := retryAfter(err); !errors.Is(err, errkind.Unavailable) || test.status == http.StatusTooManyRequests && wait == 0 || wait > test.most {
					t.Errorf("%v: to be tried again in %s", err, wait)
				}
			}
			if len(later) != 20 || retryAfter(later[0]) < test.least || len(store.Calls()) != 0 {
				t.Errorf("%d refused, the next try in %s, %d requests", len(later), retryAfter(later[0]), len(store.Calls()))
			}
		})
	}
}

// Of everybody who wants something of a host that is down, only the first few
// find out for themselves.
func TestFailingHostIsLeftAlone(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault lab.Fault
	}{
		{"errors", lab.Fault{Path: "/manifests/", Status: http.StatusBadGateway}},
		{"broken connections", lab.Fault{Path: "/manifests/", Drop: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, hurry)
			push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
			ref := reference(t, store.Reference("app:1"))
			store.Fail(test.fault)
			_, failures := poll(t, client, times(ref, 1000))
			if asked := store.Count(lab.Call{Kind: lab.KindManifest}); len(failures) != 1000 || asked > 40 {
				t.Errorf("%d failed with %d requests", len(failures), asked)
			}
			spared := 0
			for _, err := range failures {
				if errors.Is(err, errkind.Unavailable) && strings.Contains(err.Error(), "is paused") && retryAfter(err) <= time.Minute {
					spared++
				}
			}
			if spared < 900 {
				t.Errorf("%d of 1000 were spared the try", spared)
			}
			// A check asks all the same, and what works is asked again.
			store.Heal()
			if report, err := client.Check(t.Context(), store.Reference("app:1")); err != nil || !report.Works {
				t.Fatalf("check: %+v, %v", report, err)
			}
			if _, err := client.Head(t.Context(), ref); err != nil {
				t.Error(err)
			}
		})
	}
}

// One broken tag among others is not a broken host.
// TestPlainHostComesBack meets a host without TLS for the first time while it is
// down, so that how it wants to be addressed is found out during its breaks.
func TestPlainHostComesBack(t *testing.T) {
	store, client := startLab(t), newClient(t, hurry)
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	ref := reference(t, store.Reference("app:1"))
	if err := store.Pause(); err != nil {
		t.Fatal(err)
	}
	if _, failures := poll(t, client, times(ref, 50)); len(failures) != 50 {
		t.Errorf("%d of 50 checks failed", len(failures))
	}
	if err := store.Resume(); err != nil {
		t.Fatal(err)
	}
	// The first try after the break is answered.
	_, err := client.Head(t.Context(), ref)
	<-time.After(retryAfter(err))
	if _, err := client.Head(t.Context(), ref); err != nil {
		t.Error(err)
	}
}

func TestBrokenTagIsNotABrokenHost(t *testing.T) {
	store, client := startLab(t), newClient(t, hurry)
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	store.Fail(lab.Fault{Path: "/manifests/broken", Status: http.StatusInternalServerError})
	for range 20 {
		_, _ = client.Head(t.Context(), reference(t, store.Reference("app:broken")))
		if _, err := client.Head(t.Context(), reference(t, store.Reference("app:1"))); err != nil {
			t.Fatal(err)
		}
	}
}

// Transfers are limited in number, and checks do not wait for them.
func TestConcurrency(t *testing.T) {
	const limit, transfers = 2, 20
	var active, most atomic.Int64
	finish := make(chan struct{})
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
			return
		}
		most.Store(max(most.Load(), active.Add(1)))
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-finish
		active.Add(-1)
	})
	client := newClient(t, registry.Options{RequestsPerSecond: 1e6, Concurrency: limit})
	ref := reference(t, host+"/app:1")
	var group errgroup.Group
	for n := range transfers {
		group.Go(func() error {
			body, err := client.Image(ref.Repository, "").Layer(t.Context(), image.Digest(fmt.Sprintf("sha256:%064d", n)))
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, body)
			return errors.Join(err, body.Close())
		})
	}
	for n := range transfers {
		finish <- struct{}{} // a transfer is under way
		if n < 5 {
			if _, err := client.Head(t.Context(), ref); err != nil {
				t.Errorf("a check during a transfer: %v", err)
			}
		}
	}
	if err := group.Wait(); err != nil || most.Load() > limit {
		t.Errorf("%d transfers at a time, want %d; %v", most.Load(), limit, err)
	}
}
