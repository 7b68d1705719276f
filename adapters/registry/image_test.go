package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

func TestImageHasTheDocumentsAndLayersThatWerePushed(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	pushed := build(t, lab.Copy("/app", lab.Text("/app", "content")))
	digest := push(t, store, "app:1", pushed)
	found := client.Image(reference(t, store.Reference("app:1")).Repository, digest)
	manifest, err := found.Manifest(t.Context())
	if want, _ := pushed.RawManifest(); err != nil || !bytes.Equal(manifest, want) {
		t.Errorf("manifest = %s, %v", manifest, err)
	}
	config, err := found.Config(t.Context())
	if want, _ := pushed.RawConfigFile(); err != nil || !bytes.Equal(config, want) {
		t.Errorf("config = %s, %v", config, err)
	}
	layers, _ := pushed.Layers()
	layer, _ := layers[0].Digest()
	body, err := found.Layer(t.Context(), image.Digest(layer.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	compressed, _ := layers[0].Compressed()
	if want, _ := io.ReadAll(compressed); err != nil || !bytes.Equal(content, want) {
		t.Errorf("layer has %d bytes, %v; want %d", len(content), err, len(want))
	}
}

func TestImageRefusesContentOfAnotherDigest(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"schemaVersion":2,"config":{}}`) })
	found := newClient(t, registry.Options{}).Image(image.Repository{Registry: host, Path: "app"}, image.Digest("sha256:"+strings.Repeat("a", 64)))
	if _, err := found.Manifest(t.Context()); !errors.Is(err, errkind.Unavailable) || errkind.Permanent(err) {
		t.Errorf("error = %v, want errkind.Unavailable", err)
	}
}

func TestLayerMayComeFromAnotherHostWithoutCredentials(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "layer "+r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent"))
	}))
	t.Cleanup(elsewhere.Close)
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/blob", http.StatusTemporaryRedirect)
	})
	client := newClient(t, registry.Options{Version: "1.2.3"})
	login(t, host, "cm9ib3Q6aHVudGVyMg==")
	content, err := readLayer(t, client, host)
	if err != nil || content != "layer  tagwatch/1.2.3" {
		t.Errorf("layer = %q, %v; want it from the other host, without credentials", content, err)
	}
}

func TestRedirectsThatAreRefused(t *testing.T) {
	for _, target := range []string{
		"http://169.254.169.254/latest/meta-data", "https://[fe80::1]/", "https://[fd00:ec2::254]/", "http://192.0.2.1/plain",
		"file:///etc/passwd",
	} {
		t.Run(target, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target, http.StatusTemporaryRedirect)
			})
			if content, err := readLayer(t, newClient(t, registry.Options{}), host); err == nil {
				t.Errorf("layer = %q, want an error", content)
			}
		})
	}
}

func TestRedirectLoopEnds(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) })
	if _, err := readLayer(t, newClient(t, registry.Options{}), host); !errors.Is(err, errkind.Invalid) {
		t.Errorf("error = %v, want errkind.Invalid", err)
	}
}

func TestLayerThatBreaksOffIsUnavailable(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
	})
	if _, err := readLayer(t, newClient(t, registry.Options{}), host); !errors.Is(err, errkind.Unavailable) {
		t.Errorf("error = %v, want errkind.Unavailable", err)
	}
}

func readLayer(t *testing.T, client *registry.Registry, host string) (string, error) {
	t.Helper()
	digest := image.Digest("sha256:" + strings.Repeat("a", 64))
	body, err := client.Image(image.Repository{Registry: host, Path: "app"}, digest).Layer(t.Context(), digest)
	if err != nil {
		return "", err
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	return string(content), err
}
