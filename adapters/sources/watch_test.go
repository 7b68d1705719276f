package sources_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
)

// watched follows the stream of a source and counts what it announces.
type watched struct {
	*testing.T
	changes atomic.Int64
	ended   chan error
}

func watch(t *testing.T, s source.Source, folders ...string) *watched {
	t.Helper()
	w := &watched{T: t, ended: make(chan error, 1)}
	r := reader(t, folders...)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { w.ended <- r.Watch(ctx, s, func() { w.changes.Add(1) }) }()
	return w
}

// until waits for a number of changes, or of something else.
func (w *watched) until(what string, want int64, count func() int64) {
	w.Helper()
	for range 3000 {
		if count() == want {
			return
		}
		select {
		case err := <-w.ended:
			w.Fatalf("%s: %d, want %d; the stream ended: %v", what, count(), want, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	w.Fatalf("%s: %d, want %d", what, count(), want)
}

func (w *watched) changed(what string, want int64) {
	w.Helper()
	w.until(what, want, w.changes.Load)
}

func (w *watched) endsWith(kind error) {
	w.Helper()
	if err := <-w.ended; !errors.Is(err, kind) {
		w.Errorf("ended with %v, want %v", err, kind)
	}
}

const pods = "api/v1/pods"

func TestWatchKubernetes(t *testing.T) {
	t.Parallel()
	c, s := clusterAt(t)
	w := watch(t, s, filepath.Dir(s.Paths[0]))
	w.changed("to begin with", 1)
	c.Put(pods, pod("shop", "new", "ghcr.io/shop/new:1"))
	w.changed("a pod appears", 2)
	unready := pod("shop", "new", "ghcr.io/shop/new:1")
	unready["status"].(lab.Object)["conditions"] = []lab.Object{{"type": "Ready", "status": "False"}}
	c.Put(pods, unready)
	c.Put(pods, pod("shop", "new", "ghcr.io/shop/new:2"))
	w.changed("its image is another; that it is unready does not count", 3)

	// A stream that breaks goes on where it was.
	c.Break()
	c.Put(pods, pod("shop", "new", "ghcr.io/shop/new:3"))
	w.changed("a change while the streams were broken", 4)
	w.until("streams", 8, func() int64 { return int64(c.Streams()) })
	c.Delete(pods, "shop", "new")
	w.changed("a pod goes", 5)

	// Versions that are gone: what happened meanwhile is not known.
	c.Compact()
	c.Break()
	w.changed("each of 8 streams begins anew", 13)
	c.Put("apis/apps/v1/deployments", pod("shop", "web2", "ghcr.io/shop/web2:1"))
	w.changed("a deployment appears", 14)

	// So are versions that are higher than all there are, as those before a backup was restored.
	c.Restore()
	c.Break()
	w.changed("each of 8 streams begins anew, again", 22)
	c.Put(pods, pod("shop", "new", "ghcr.io/shop/new:4"))
	w.changed("a pod appears after all", 23)

	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	w.endsWith(errkind.Unavailable)
	// It is back and counts its versions anew.
	c.Restore()
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	w = watch(t, s, filepath.Dir(s.Paths[0]))
	w.changed("to begin with, again", 1)
	c.Put(pods, pod("shop", "new", "ghcr.io/shop/new:4"))
	w.changed("a pod appears, again", 2)
}

func TestWatchKubernetesFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter)
		kind   error
	}{
		"forbidden":   {func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, errkind.Unauthorized},
		"streams end": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }, errkind.Unavailable},
		"nonsense":    {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>\n")) }, errkind.Unavailable},
		"a failure": {func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"type": "ERROR", "object": {"code": 500}}` + "\n"))
		}, errkind.Unavailable},
		"an endless event":  {func(w http.ResponseWriter) { _, _ = w.Write([]byte(strings.Repeat(" ", 9<<20))) }, errkind.Limit},
		"an object is none": {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"type": "ADDED", "object": []}` + "\n")) }, errkind.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := clusterAt(t)
			c.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("watch") == "" || !strings.HasSuffix(r.URL.Path, "/cronjobs") {
					return false
				}
				test.answer(w)
				return true
			})
			watch(t, s, filepath.Dir(s.Paths[0])).endsWith(test.kind)
		})
	}
}

// engineEvents is an engine that sends each event that it is given.
func engineEvents(t *testing.T) (s source.Source, events chan string, folder string, end func()) {
	t.Helper()
	folder = t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(folder, "e.sock"))
	if err != nil {
		t.Fatal(err)
	}
	events = make(chan string)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" || !strings.Contains(r.URL.Query().Get("filters"), `"die"`) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case event := <-events:
				_, _ = fmt.Fprintln(w, event)
			case <-r.Context().Done():
				return
			}
		}
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return source.Source{Kind: source.Docker, Paths: []string{"unix://" + folder + "/e.sock"}}, events, folder, server.CloseClientConnections
}

func TestWatchEngine(t *testing.T) {
	t.Parallel()
	s, events, folder, end := engineEvents(t)
	w := watch(t, s, folder)
	w.changed("to begin with", 1)
	events <- `{"Type": "container", "Action": "start"}`
	w.changed("a container starts", 2)
	end()
	w.endsWith(errkind.Unavailable)

	w = watch(t, s, folder)
	w.changed("to begin with, again", 1)
	events <- strings.Repeat(" ", 2<<20)
	w.endsWith(errkind.Unavailable)

	watch(t, s).endsWith(errkind.Unauthorized) // the socket is not below a path of the worker
	watch(t, source.Source{Kind: source.File, Paths: []string{"/a"}}).endsWith(errkind.Invalid)
	address, folder := engineAt(t, map[string]string{"/events": "403"})
	watch(t, source.Source{Kind: source.Docker, Paths: []string{address}}, folder).endsWith(errkind.Unauthorized)
}
