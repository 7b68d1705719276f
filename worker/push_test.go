package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tagwatch/tagwatch/config"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// servedPushes runs a receiver until the test ends and returns its settings.
func servedPushes(t *testing.T, who *reached, settings config.Worker) (config.Worker, *meters, *lines) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PUSH_HUB", "a-secret-that-must-not-show")
	settings.PushSources = filepath.Join(dir, "push.yaml")
	content := "sources:\n- {name: hub, kind: dockerhub, secret: env:PUSH_HUB, registry: registry.example.com}\n"
	if err := os.WriteFile(settings.PushSources, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	settings.PushAddress = free(t)
	log, watched := &lines{}, &meters{registry: prometheus.NewRegistry()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	waking := newWaker(watching(t, "registry.example.com/shop/api:1"), who, 0, time.Now)
	go func() {
		ended <- servePushes(ctx, settings, waking, watched, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return settings, watched, log
}

func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// posted sends a push as soon as somebody listens.
func posted(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	body := `{"push_data": {"tag": "1"}, "repository": {"repo_name": "shop/api"}}`
	for t.Context().Err() == nil {
		answer, err := client.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			time.Sleep(10 * time.Millisecond) // it is starting
			continue
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	return 0, ""
}

func TestServePushes(t *testing.T) {
	who := &reached{}
	settings, watched, log := servedPushes(t, who, config.Worker{})
	base := "http://" + settings.PushAddress + "/push/hub?token="
	if status, text := posted(t, http.DefaultClient, base+"a-secret-that-must-not-show"); status != 200 || !strings.Contains(text, `"woken":1`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := posted(t, http.DefaultClient, base+"a-guess-that-must-not-show"); status != 401 {
		t.Errorf("a wrong secret: %d", status)
	}
	if len(who.names) != 1 {
		t.Errorf("woken %v", who.names)
	}
	want := `# HELP tagwatch_pushes_total Push notifications received, by source and by what came of them.
# TYPE tagwatch_pushes_total counter
tagwatch_pushes_total{source="hub",verdict="failed"} 0
tagwatch_pushes_total{source="hub",verdict="ignored"} 0
tagwatch_pushes_total{source="hub",verdict="limited"} 0
tagwatch_pushes_total{source="hub",verdict="malformed"} 0
tagwatch_pushes_total{source="hub",verdict="refused"} 1
tagwatch_pushes_total{source="hub",verdict="woken"} 1
`
	if err := testutil.GatherAndCompare(watched.registry, strings.NewReader(want), "tagwatch_pushes_total"); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, "must-not-show") || !strings.Contains(text, "push not taken") {
		t.Errorf("the log:\n%s", text)
	}
}

func TestServePushesTLS(t *testing.T) {
	cert, key, roots := selfSigned(t)
	who := &reached{}
	settings, _, _ := servedPushes(t, who, config.Worker{PushCertFile: cert, PushKeyFile: key})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if status, text := posted(t, client, "https://"+settings.PushAddress+"/push/hub?token=a-secret-that-must-not-show"); status != 200 {
		t.Errorf("%d %s", status, text)
	}
}

func TestServePushesRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings config.Worker
		says     string
	}{
		"no file":        {config.Worker{PushAddress: "127.0.0.1:0", PushSources: "/none/push.yaml"}, "TAGWATCH_PUSH_SOURCES"},
		"no certificate": {config.Worker{PushAddress: "127.0.0.1:0", PushSources: example(t), PushCertFile: "/none", PushKeyFile: "/none"}, "--push-cert-file"},
		"no address":     {config.Worker{PushAddress: "256.0.0.1:x", PushSources: example(t)}, "TAGWATCH_PUSH_ADDRESS"},
	} {
		err := servePushes(t.Context(), test.settings, nil, &meters{registry: prometheus.NewRegistry()}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
	if err := servePushes(t.Context(), config.Worker{}, nil, nil, nil); err != nil {
		t.Errorf("where none are to be received: %v", err)
	}
}

// example is a file of sources whose secret is a file.
func example(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	secret, path := filepath.Join(dir, "secret"), filepath.Join(dir, "push.yaml")
	for file, content := range map[string]string{secret: strings.Repeat("x", 32), path: "sources:\n- {name: any, kind: generic, secret: 'file:" + secret + "'}\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestCertificateRenewed: files that were replaced are used without a restart,
// and broken ones are not.
func TestCertificateRenewed(t *testing.T) {
	t.Parallel()
	cert, key, _ := selfSigned(t)
	held, err := newCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	first, err := held.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	held.read = time.Time{}
	if again, err := held.get(nil); err != nil || again != first {
		t.Errorf("a broken file: %v, %v", again, err)
	}
	newCert, newKey, _ := selfSigned(t)
	for from, to := range map[string]string{newCert: cert, newKey: key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	held.read = time.Time{}
	if renewed, err := held.get(nil); err != nil || renewed == first {
		t.Errorf("a renewed file is not used: %v", err)
	}
}

// selfSigned makes a certificate for loopback.
func selfSigned(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM, keyPEM := newPair(t)
	for file, content := range map[string][]byte{certFile: certPEM, keyFile: keyPEM} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, roots
}
