package registry_test

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// offer is what a registry asks of its clients.
type offer struct {
	authority, clients *lab.Authority
	user, pass         string
	tokens             *lab.TokenService
}

// implementations are the registries that the client is shown to work with:
// go-containerregistry's and, where its program is named by
// TAGWATCH_TEST_DISTRIBUTION, Distribution. Each starts with app:1 and app:2 in
// it, which point to the same image.
func implementations() map[string]func(*testing.T, offer) (host string, digest image.Digest) {
	all := map[string]func(*testing.T, offer) (string, image.Digest){"go-containerregistry": startContainerRegistry}
	if os.Getenv("TAGWATCH_TEST_DISTRIBUTION") != "" {
		all["Distribution"] = startDistribution
	}
	return all
}

func startContainerRegistry(t *testing.T, o offer) (string, image.Digest) {
	t.Helper()
	var config *tls.Config
	if o.authority != nil {
		config = must(o.authority.Server(false))(t)
		if o.clients != nil {
			config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, o.clients.Pool()
		}
	}
	store := must(lab.NewSecureRegistry(config))(t)
	t.Cleanup(func() { _ = store.Close() })
	digest := push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	if err := store.Tag("app:1", "2"); err != nil {
		t.Fatal(err)
	}
	store.RequireBasicAuth(o.user, o.pass)
	store.RequireTokens(o.tokens)
	return store.Host(), digest
}

func startDistribution(t *testing.T, o offer) (string, image.Digest) {
	t.Helper()
	program, directory := os.Getenv("TAGWATCH_TEST_DISTRIBUTION"), t.TempDir()
	open := must(lab.StartDistribution(program, directory, lab.DistributionOptions{}))(t) // filled before it closes itself up
	built := build(t, lab.Copy("/app", lab.Text("/app", "x")))
	for _, tag := range []string{"1", "2"} {
		ref := must(name.ParseReference(open.Host() + "/app:" + tag))(t)
		if err := remote.Write(ref, built); err != nil {
			t.Fatal(err)
		}
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	closed := must(lab.StartDistribution(program, directory, lab.DistributionOptions{
		Authority: o.authority, ClientsOf: o.clients, User: o.user, Pass: o.pass, Tokens: o.tokens}))(t)
	t.Cleanup(func() { _ = closed.Close() })
	return closed.Host(), image.Digest(must(built.Digest())(t).String())
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// readsAll does everything with a repository that Tagwatch does with one.
func readsAll(t *testing.T, client *registry.Registry, host string, digest image.Digest) error {
	t.Helper()
	ref := reference(t, host+"/app:1")
	if got, err := client.Head(t.Context(), ref); err != nil || got != digest {
		return fmt.Errorf("Head = %s: %w", got, err)
	}
	if got, err := client.Resolve(t.Context(), ref, "", image.Platform{}); err != nil || got.Manifest != digest {
		return fmt.Errorf("Resolve = %+v: %w", got, err)
	}
	if tags, err := list(t, client, host); err != nil || len(tags) != 2 {
		return fmt.Errorf("tags = %v: %w", tags, err)
	}
	pulled := client.Image(ref.Repository, digest)
	raw, err := pulled.Manifest(t.Context())
	if err != nil {
		return err
	}
	if _, err := pulled.Config(t.Context()); err != nil {
		return err
	}
	for _, layer := range layersOf(t, raw) {
		body, err := pulled.Layer(t.Context(), layer)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, body)
		if err := errors.Join(err, body.Close()); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file and the folders above it.
func writeFile(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func basic(user, pass string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + pass))
}

func TestRegistriesOfAllKinds(t *testing.T) {
	authority, clients := must(lab.NewAuthority())(t), must(lab.NewAuthority())(t)
	secureTokens := must(authority.Server(false))(t)
	for name, start := range implementations() {
		for _, test := range []struct {
			name    string
			offer   offer
			prepare func(t *testing.T, host string, options *registry.Options)
			refused error // without the preparation; nil if it is not needed
		}{
			{name: "open"},
			{name: "basic authentication", offer: offer{user: "robot", pass: "hunter2"}, refused: errkind.Unauthorized,
				prepare: func(t *testing.T, host string, _ *registry.Options) { login(t, host, basic("robot", "hunter2")) }},
			{name: "tokens for everybody", offer: offer{tokens: tokens(t, nil)}},
			{name: "tokens for one", offer: offer{tokens: tokens(t, nil, "robot", "hunter2", "")}, refused: errkind.Unauthorized,
				prepare: func(t *testing.T, host string, _ *registry.Options) { login(t, host, basic("robot", "hunter2")) }},
			{name: "identity token", offer: offer{tokens: tokens(t, nil, "robot", "hunter2", "identity")}, refused: errkind.Unauthorized,
				prepare: func(t *testing.T, host string, _ *registry.Options) {
					writeFile(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"),
						fmt.Appendf(nil, `{"auths":{%q:{"auth":%q,"identitytoken":"identity"}}}`, host, basic("<token>", "")))
				}},
			{name: "private authority by file", offer: offer{authority: authority}, refused: errkind.Unavailable,
				prepare: func(t *testing.T, _ string, options *registry.Options) {
					options.CAFile = writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), authority.PEM())
				}},
			{name: "private authority by directory, and tokens", offer: offer{authority: authority, tokens: tokens(t, secureTokens, "robot", "hunter2", "")}, refused: errkind.Unavailable,
				prepare: func(t *testing.T, host string, options *registry.Options) {
					login(t, host, basic("robot", "hunter2"))
					directory := t.TempDir()
					writeFile(t, filepath.Join(directory, host, "ca.crt"), authority.PEM())
					options.CertificateDirectories = []string{directory}
				}},
			{name: "client certificate by directory", offer: offer{authority: authority, clients: clients}, refused: errkind.Unavailable,
				prepare: func(t *testing.T, host string, options *registry.Options) {
					directory := t.TempDir()
					writeFile(t, filepath.Join(directory, host, "ca.crt"), authority.PEM())
					if _, _, err := clients.Write(filepath.Join(directory, host), "client"); err != nil {
						t.Fatal(err)
					}
					options.CertificateDirectories = []string{directory}
				}},
			{name: "client certificate by registries file", offer: offer{authority: authority, clients: clients, user: "robot", pass: "hunter2"}, refused: errkind.Unavailable,
				prepare: func(t *testing.T, host string, options *registry.Options) {
					login(t, host, basic("robot", "hunter2"))
					directory := t.TempDir()
					certificate, key, err := clients.Write(directory, "client")
					if err != nil {
						t.Fatal(err)
					}
					options.File = writeFile(t, filepath.Join(directory, "registries.conf"), fmt.Appendf(nil,
						"[tagwatch.host.%q]\nca-file = %q\nclient-certificate = %q\nclient-key = %q\n",
						host, writeFile(t, filepath.Join(directory, "ca.pem"), authority.PEM()), certificate, key))
				}},
			{name: "unverified where allowed", offer: offer{authority: authority}, refused: errkind.Unavailable,
				prepare: func(t *testing.T, host string, options *registry.Options) {
					options.File = writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), fmt.Appendf(nil, "[[registry]]\nlocation = %q\ninsecure = true\n", host))
				}},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				host, digest := start(t, test.offer)
				options := registry.Options{CertificateDirectories: []string{t.TempDir()}}
				unprepared := newClient(t, options)
				err := readsAll(t, unprepared, host, digest)
				if !errors.Is(err, test.refused) {
					t.Errorf("unprepared: %v, want %v", err, test.refused)
				}
				if test.prepare != nil {
					test.prepare(t, host, &options)
				}
				if err := readsAll(t, must(registry.New(options))(t), host, digest); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// tokens starts a token service for one user, or for everybody.
func tokens(t *testing.T, config *tls.Config, user ...string) *lab.TokenService {
	t.Helper()
	service := must(lab.NewTokenService(config))(t)
	t.Cleanup(func() { _ = service.Close() })
	if len(user) == 3 {
		service.Admit(user[0], user[1], user[2])
	}
	return service
}

func TestProxyOfOneHost(t *testing.T) {
	authority := must(lab.NewAuthority())(t)
	for name, start := range implementations() {
		for _, test := range []struct {
			name  string
			offer offer
		}{{"plain", offer{}}, {"tunnel", offer{authority: authority}}} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				host, digest := start(t, test.offer)
				other, _ := start(t, offer{})
				proxy := must(lab.NewProxy())(t)
				t.Cleanup(func() { _ = proxy.Close() })
				directory := t.TempDir()
				file := writeFile(t, filepath.Join(directory, "registries.conf"), fmt.Appendf(nil,
					"[tagwatch.host.%q]\nproxy = %q\nca-file = %q\n", host, proxy.URL(), writeFile(t, filepath.Join(directory, "ca.pem"), authority.PEM())))
				client := newClient(t, registry.Options{File: file})
				if err := errors.Join(readsAll(t, client, host, digest), readsAll(t, client, other, digest)); err != nil {
					t.Error(err)
				}
				asked := strings.Join(proxy.Hosts(), " ")
				if !strings.Contains(asked, host) || strings.Contains(asked, other) {
					t.Errorf("through the proxy: %s; want %s and not %s", asked, host, other)
				}
			})
		}
	}
}

// What is missing for TLS is said along with where to put it.
func TestTLSErrorsSayWhatToDo(t *testing.T) {
	authority := must(lab.NewAuthority())(t)
	for name, start := range implementations() {
		t.Run(name, func(t *testing.T) {
			host, _ := start(t, offer{authority: authority, clients: authority})
			directory := t.TempDir()
			options := registry.Options{CertificateDirectories: []string{directory}}
			for _, says := range []string{"give the file of its authority if it is private (ca.crt in certs.d/" + host, "client certificate (client.cert and client.key in certs.d/" + host} {
				report := must(newClient(t, options).Check(t.Context(), host))(t)
				if at := report.Places[0]; report.Works || !strings.Contains(at.Answer.Problem, says) {
					t.Errorf("answer %q does not say %q", at.Answer.Problem, says)
				}
				writeFile(t, filepath.Join(directory, host, "ca.crt"), authority.PEM())
			}
		})
	}
}
