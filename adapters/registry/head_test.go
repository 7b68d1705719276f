package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// Where HEAD is refused and GET answered, the tag is there, and the host is asked
// by GET from then on.
func TestRefusedHeadProvesNothing(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 500, 501, 502} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			want := push(t, store, "app:1", build(t, content(t, "x")))
			store.Fail(lab.Fault{Method: http.MethodHead, Path: "/manifests/", Status: status})
			for range 3 {
				if got, err := client.Head(t.Context(), reference(t, store.Reference("app:1"))); err != nil || got != want {
					t.Fatalf("Head = %s, %v; want %s", got, err, want)
				}
			}
			if heads, gets := store.Count(lab.Call{Method: http.MethodHead, Repository: "app", Reference: "1"}), store.Count(lab.Call{Method: http.MethodGet, Reference: "1"}); gets != 3 || heads > 2 {
				t.Errorf("%d HEAD and %d GET requests, want HEAD once and then GET alone", heads, gets)
			}
		})
	}
}

// What GET refuses as well is refused, and is not confirmed again each time.
func TestRefusalIsConfirmedOnce(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, content(t, "x")))
	for range 3 {
		if got, err := client.Head(t.Context(), reference(t, store.Reference("app:gone"))); !errors.Is(err, errkind.NotFound) {
			t.Fatalf("Head = %s, %v; want errkind.NotFound", got, err)
		}
	}
	if gets := store.Count(lab.Call{Method: http.MethodGet, Reference: "gone"}); gets != 1 {
		t.Errorf("%d GET requests, want one", gets)
	}
}

// A cache that has the earlier answer for the tag does not hide the move: what is
// read is what HEAD said.
func TestTagIsReadByItsDigest(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	ref := reference(t, store.Reference("app:1"))
	push(t, store, "app:1", build(t, content(t, "old")))
	old, _ := build(t, content(t, "old")).RawManifest()
	moved := push(t, store, "app:1", build(t, content(t, "new")))
	store.Fail(lab.Fault{Method: http.MethodGet, Path: "/manifests/1", Status: http.StatusOK, Body: string(old)})
	top, err := client.Head(t.Context(), ref)
	if err != nil || top != moved {
		t.Fatalf("Head = %s, %v; want %s", top, err, moved)
	}
	got, err := client.Resolve(t.Context(), ref, top, image.Platform{})
	if err != nil || got.Manifest != moved {
		t.Errorf("Resolve = %+v, %v; want %s", got, err, moved)
	}
	// A digest that the registry does not have yet is nothing that the tag can help.
	missing := image.Digest("sha256:" + strings.Repeat("0", 64))
	if got, err := client.Resolve(t.Context(), ref, missing, image.Platform{}); !errors.Is(err, errkind.Unavailable) {
		t.Errorf("Resolve = %+v, %v; want errkind.Unavailable", got, err)
	}
}

// Bytes that do not fit their digest say nothing of the image: they never arrived.
func TestBytesThatDoNotFitTheirDigest(t *testing.T) {
	for name, replace := range map[string]func([]byte) []byte{
		"cut short": func(body []byte) []byte { return body[:len(body)/2] },
		"empty":     func([]byte) []byte { return nil },
		"web page":  func([]byte) []byte { return []byte("<html>Log in</html>") },
		"too long":  func(body []byte) []byte { return append(body, ' ') },
		"endless":   func([]byte) []byte { return make([]byte, 9<<20) },
	} {
		for _, kind := range []string{"/blobs/", "/manifests/sha256"} {
			if name == "endless" && kind != "/blobs/" {
				continue
			}
			t.Run(name+" "+kind, func(t *testing.T) {
				store, client := startLab(t), newClient(t, registry.Options{})
				digest := push(t, store, "app:1", build(t, content(t, "x")))
				store.Fail(lab.Fault{Method: http.MethodGet, Path: kind, Times: 1, Replace: replace})
				found := client.Image(reference(t, store.Reference("app:1")).Repository, digest)
				if _, err := found.Config(t.Context()); !errors.Is(err, errkind.Unavailable) || errkind.Permanent(err) {
					t.Errorf("error = %v, want errkind.Unavailable", err)
				}
				if _, err := found.Config(t.Context()); err != nil {
					t.Errorf("the next try: %v", err)
				}
			})
		}
	}
}
