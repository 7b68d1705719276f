package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/lab"
)

// mounted is a directory as Kubernetes mounts one: its files are links through
// ..data, which is replaced as a whole.
type mounted struct {
	t         *testing.T
	directory string
	versions  int
}

func mount(t *testing.T, files map[string][]byte) *mounted {
	t.Helper()
	m := &mounted{t: t, directory: t.TempDir()}
	m.update(files)
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), m.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *mounted) path(name string) string { return filepath.Join(m.directory, name) }

func (m *mounted) update(files map[string][]byte) {
	m.t.Helper()
	m.versions++
	version := fmt.Sprintf("..version_%d", m.versions)
	for name, content := range files {
		writeFile(m.t, filepath.Join(m.directory, version, name), content)
	}
	fresh := m.path("..data_tmp")
	if err := errors.Join(os.Symlink(version, fresh), os.Rename(fresh, m.path("..data"))); err != nil {
		m.t.Fatal(err)
	}
}

// Each change of a file is in force for the next request, without a new client.
func TestChangedFilesComeIntoForce(t *testing.T) {
	old, authority, clients := must(lab.NewAuthority())(t), must(lab.NewAuthority())(t), must(lab.NewAuthority())(t)
	for _, test := range []struct {
		name  string
		offer offer
		// prepare sets what does not suit, and returns what corrects it.
		prepare func(t *testing.T, host string, options *registry.Options) (correct func())
	}{
		{"authority for all", offer{authority: authority}, func(t *testing.T, _ string, options *registry.Options) func() {
			options.CAFile = writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), old.PEM())
			return func() { writeFile(t, options.CAFile, authority.PEM()) }
		}},
		{"authority of the registries file, as a mounted secret", offer{authority: authority}, func(t *testing.T, host string, options *registry.Options) func() {
			secret := mount(t, map[string][]byte{"ca.pem": old.PEM()})
			options.File = writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), fmt.Appendf(nil, "[tagwatch.host.%q]\nca-file = %q\n", host, secret.path("ca.pem")))
			return func() { secret.update(map[string][]byte{"ca.pem": authority.PEM()}) }
		}},
		{"folder of certificates", offer{authority: authority}, func(t *testing.T, host string, options *registry.Options) func() {
			directory := t.TempDir()
			options.CertificateDirectories = []string{directory}
			return func() { writeFile(t, filepath.Join(directory, host, "ca.crt"), authority.PEM()) }
		}},
		{"client certificate, as a mounted secret", offer{authority: authority, clients: clients}, func(t *testing.T, host string, options *registry.Options) func() {
			secret := mount(t, issued(t, old))
			options.File = writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), fmt.Appendf(nil,
				"[tagwatch.host.%q]\nca-file = %q\nclient-certificate = %q\nclient-key = %q\n",
				host, writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), authority.PEM()), secret.path("tls.crt"), secret.path("tls.key")))
			return func() { secret.update(issued(t, clients)) }
		}},
		{"location, as a mounted file", offer{}, func(t *testing.T, host string, options *registry.Options) func() {
			file := mount(t, map[string][]byte{"registries.conf": fmt.Appendf(nil, "[[registry]]\nprefix = %q\nblocked = true\n", host)})
			options.File = file.path("registries.conf")
			return func() { file.update(map[string][]byte{"registries.conf": nil}) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			host, digest := startContainerRegistry(t, test.offer)
			options := registry.Options{CertificateDirectories: []string{t.TempDir()}}
			correct := test.prepare(t, host, &options)
			client := registry.Attentive(newClient(t, options))
			for range 7 { // often enough for the host to be left alone, which must not outlast the cause
				if err := readsAll(t, client, host, digest); err == nil {
					t.Fatal("works with what does not suit")
				}
			}
			correct()
			if err := readsAll(t, client, host, digest); err != nil {
				t.Error(err)
			}
		})
	}
}

// issued are a client certificate and its key under the names of Kubernetes.
func issued(t *testing.T, authority *lab.Authority) map[string][]byte {
	t.Helper()
	certificate, key, err := authority.Issue("client")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"tls.crt": certificate, "tls.key": key}
}

// What cannot be used is notified once, and what was valid before stays in force.
func TestInvalidChangesAreRefused(t *testing.T) {
	authority, other := must(lab.NewAuthority())(t), must(lab.NewAuthority())(t)
	host, digest := startContainerRegistry(t, offer{authority: authority, clients: authority})
	secret := mount(t, issued(t, authority))
	ca := writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), authority.PEM())
	valid := fmt.Appendf(nil, "[tagwatch.host.%q]\nca-file = %q\nclient-certificate = %q\nclient-key = %q\n", host, ca, secret.path("tls.crt"), secret.path("tls.key"))
	file := writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), valid)
	var notified bytes.Buffer
	client := registry.Attentive(newClient(t, registry.Options{File: file, Log: slog.New(slog.NewTextHandler(&notified, nil))}))
	if err := readsAll(t, client, host, digest); err != nil {
		t.Fatal(err)
	}
	mixed := issued(t, other)
	mixed["tls.crt"] = issued(t, authority)["tls.crt"]
	for _, test := range []struct {
		name          string
		spoil, repair func()
		says          []string
	}{
		{"syntax", func() { writeFile(t, file, []byte("[[registry]]\nlocation = oops\n")) }, func() { writeFile(t, file, valid) }, []string{file, "line 2"}},
		{"unknown key", func() { writeFile(t, file, append(valid, "colour = 'red'\n"...)) }, func() { writeFile(t, file, valid) }, []string{file, "line 5", "colour"}},
		{"field", func() { writeFile(t, file, append(valid, "concurrency = 0\n"...)) }, func() { writeFile(t, file, valid) }, []string{file, "concurrency", "between 1 and 1000"}},
		{"file that is gone", func() { _ = os.Remove(file) }, func() { writeFile(t, file, valid) }, []string{file, "no such file"}},
		{"authority that is none", func() { writeFile(t, ca, []byte("nothing")) }, func() { writeFile(t, ca, authority.PEM()) }, []string{ca, "no PEM certificate"}},
		{"key of another certificate", func() { secret.update(mixed) }, func() { secret.update(issued(t, authority)) }, []string{secret.path("tls.key"), "does not match"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			notified.Reset()
			test.spoil()
			for range 2 {
				if err := readsAll(t, client, host, digest); err != nil {
					t.Errorf("with what was valid before: %v", err)
				}
			}
			report := must(client.Check(t.Context(), host))(t)
			for _, part := range test.says {
				if !strings.Contains(notified.String(), part) || !strings.Contains(report.Refused, part) || !strings.Contains(client.RateLimit(host).Refused, part) {
					t.Errorf("log %q, check %q and rate limit %q; want %q in all", notified.String(), report.Refused, client.RateLimit(host).Refused, part)
				}
			}
			if strings.Count(notified.String(), "level=ERROR") != 1 || strings.Contains(notified.String(), "PRIVATE KEY") || !report.Works {
				t.Errorf("check works: %t, log: %s", report.Works, notified.String())
			}
			test.repair()
			if err := readsAll(t, client, host, digest); err != nil || client.RateLimit(host).Refused != "" {
				t.Errorf("after the repair: %v, refused %q", err, client.RateLimit(host).Refused)
			}
		})
	}
}

// A change for one host leaves what others have learned as it is, and takes over
// what the host itself has asked for.
func TestChangeOfOneHostLeavesOthersAlone(t *testing.T) {
	service := tokens(t, nil)
	steady, digest := startContainerRegistry(t, offer{tokens: service})
	busy := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1000")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	rates := func(ofSteady, ofBusy int) []byte {
		return fmt.Appendf(nil, "[tagwatch.host.%q]\nrequests-per-second = %d\n[tagwatch.host.%q]\nrequests-per-second = %d\n", steady, ofSteady, busy, ofBusy)
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), rates(70, 80))
	client := registry.Attentive(newClient(t, registry.Options{File: file}))
	coolsDown := func() {
		t.Helper()
		var cooling *registry.CoolDownError
		if _, err := client.Head(t.Context(), reference(t, busy+"/app:1")); !errors.As(err, &cooling) {
			t.Errorf("the host that asks to wait: %v", err)
		}
	}
	if err := readsAll(t, client, steady, digest); err != nil {
		t.Fatal(err)
	}
	coolsDown()
	writeFile(t, file, rates(70, 8))
	coolsDown()
	if err := readsAll(t, client, steady, digest); err != nil || service.Issued("repository:app:pull") != 1 {
		t.Errorf("%d tokens for the other host, want 1; %v", service.Issued("repository:app:pull"), err)
	}
	if got := client.RateLimit(busy).RequestsPerSecond; got != 8 {
		t.Errorf("%g requests a second, want 8", got)
	}
	writeFile(t, file, rates(7, 8))
	if err := readsAll(t, client, steady, digest); err != nil || client.RateLimit(steady).RequestsPerSecond != 7 {
		t.Errorf("%g requests a second, want 7; %v", client.RateLimit(steady).RequestsPerSecond, err)
	}
}

// Requests do not suffer from files that change under them all the time, valid
// and not.
func TestRequestsWhileFilesChange(t *testing.T) {
	authority := must(lab.NewAuthority())(t)
	host, digest := startContainerRegistry(t, offer{authority: authority})
	options := hurry
	options.CAFile = writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), authority.PEM())
	options.File = filepath.Join(t.TempDir(), "registries.conf")
	versions := []string{"", "[[registry]]\nlocation = oops\n", fmt.Sprintf("[tagwatch.host.%q]\nconcurrency = 3\n", host), fmt.Sprintf("[tagwatch.host.%q]\nconcurrency = 9\n", host)}
	writeFile(t, options.File, nil)
	client := registry.Attentive(newClient(t, options))
	ref := reference(t, host+"/app:1")
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for range 100 {
				if got, err := client.Head(t.Context(), ref); err != nil || got != digest {
					return fmt.Errorf("Head = %s, %w", got, err)
				}
			}
			return nil
		})
	}
	answered := make(chan error)
	go func() { answered <- group.Wait() }()
	for i := 0; ; i++ {
		select {
		case err := <-answered:
			if err != nil {
				t.Error(err)
			}
			return
		default:
			writeFile(t, options.File, []byte(versions[i%len(versions)]))
		}
	}
}
