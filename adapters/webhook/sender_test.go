package webhook_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	secrets := secretsOf(map[endpoint.SecretRef]string{"env:PASSWORD": "p", "env:TOKEN": "t", "env:KEY": "k"})
	for _, test := range []struct {
		name     string
		endpoint endpoint.Endpoint
		path     string // of the URL
		want     map[string]string
		wantURI  string
	}{
		{"plain", endpoint.Endpoint{}, "/hook", map[string]string{"Authorization": "", "Content-Type": "application/json", "User-Agent": "tagwatch/test",
			"Webhook-Id": newMessage().ID, "Webhook-Signature": "", "Idempotency-Key": "", "Accept-Encoding": ""}, "/hook"},
		{"basic", endpoint.Endpoint{User: "u", Password: "env:PASSWORD"}, "/", map[string]string{"Authorization": "Basic dTpw"}, "/"},
		{"user alone", endpoint.Endpoint{User: "u"}, "/", map[string]string{"Authorization": "Basic dTo="}, "/"},
		{"bearer", endpoint.Endpoint{Token: "env:TOKEN"}, "/", map[string]string{"Authorization": "Bearer t"}, "/"},
		{"headers", endpoint.Endpoint{Headers: map[string]string{"x-team": "a"}, HeaderRefs: map[string]endpoint.SecretRef{"X-Api-Key": "env:KEY"}}, "/",
			map[string]string{"X-Team": "a", "X-Api-Key": "k"}, "/"},
		{"own idempotency key", endpoint.Endpoint{Headers: map[string]string{"Idempotency-Key": "x"}}, "/", map[string]string{"Idempotency-Key": "x"}, "/"},
		{"substitution", endpoint.Endpoint{}, "/general/<notification_type>/<userId>?type=<notification_type>", nil, "/general/tag_update/admin?type=tag_update"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan string, 1)
			r := newReceiver(t, func(_ http.ResponseWriter, request *http.Request) {
				body, _ := io.ReadAll(request.Body)
				bodies <- request.Method + " " + string(body)
			})
			test.endpoint.Name, test.endpoint.URL = "e", r.URL+test.path
			got := newSender(t, webhook.Options{UserAgent: "tagwatch/test", Secrets: secrets}).Send(t.Context(), test.endpoint, newMessage())
			if got.Status != http.StatusOK {
				t.Fatalf("status %d: %v", got.Status, got.Err)
			}
			if diff := cmp.Diff("POST "+string(newMessage().Body.Content), <-bodies); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			request := r.received()[0]
			for name, want := range test.want {
				if value := request.Header.Get(name); value != want {
					t.Errorf("%s is %q, want %q", name, value, want)
				}
			}
			if request.RequestURI != test.wantURI {
				t.Errorf("URI is %q, want %q", request.RequestURI, test.wantURI)
			}
		})
	}
}

// counting is a receiver that counts its connections.
func counting(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(answer)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, &connections
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	server, connections := counting(t, answer(200, "fine"))
	sender := newSender(t, webhook.Options{})
	for range 10 {
		if got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: server.URL}, newMessage()); got.Err != nil {
			t.Fatal(got.Err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for 10 attempts, want 1", n)
	}
}

// A receiver that was restarted has closed the connections that were kept.
func TestConnectionThatDiedMeanwhile(t *testing.T) {
	t.Parallel()
	server, connections := counting(t, answer(200, "fine"))
	sender := newSender(t, webhook.Options{})
	for range 10 {
		if got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: server.URL}, newMessage()); got.Err != nil {
			t.Fatal(got.Err)
		}
		server.CloseClientConnections()
	}
	if n := connections.Load(); n != 10 {
		t.Errorf("%d connections, want 10", n)
	}
}

func TestPrivateAuthorityAndClientCertificate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ours := newAuthority(t, filepath.Join(folder, "ca.pem"))
	theirs := newAuthority(t, filepath.Join(folder, "other.pem"))
	server := mutualTLS(t, ours, folder)
	certFile, keyFile := ours.issue(t, folder, "client")
	strangerCert, strangerKey := theirs.issue(t, folder, "stranger")
	for _, test := range []struct {
		name     string
		endpoint endpoint.Endpoint
		want     webhook.Failure
	}{
		{"known to each other", endpoint.Endpoint{CAFile: ours.file, CertFile: certFile, KeyFile: keyFile}, ""},
		{"without a certificate", endpoint.Endpoint{CAFile: ours.file}, webhook.FailureTLS},
		{"with a stranger's certificate", endpoint.Endpoint{CAFile: ours.file, CertFile: strangerCert, KeyFile: strangerKey}, webhook.FailureTLS},
		{"without the authority", endpoint.Endpoint{CertFile: certFile, KeyFile: keyFile}, webhook.FailureTLS},
		{"with another authority", endpoint.Endpoint{CAFile: theirs.file, CertFile: certFile, KeyFile: keyFile}, webhook.FailureTLS},
		{"with a key that does not fit", endpoint.Endpoint{CAFile: ours.file, CertFile: certFile, KeyFile: strangerKey}, webhook.FailureSecret},
		{"with a key for an authority", endpoint.Endpoint{CAFile: keyFile}, webhook.FailureSecret},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.endpoint.Name, test.endpoint.URL = "e", server.URL
			got := newSender(t, webhook.Options{}).Send(t.Context(), test.endpoint, newMessage())
			if webhook.FailureOf(got.Err) != test.want || (got.Status == http.StatusOK) != (test.want == "") {
				t.Errorf("status %d, failure %q, want %q: %v", got.Status, webhook.FailureOf(got.Err), test.want, got.Err)
			}
		})
	}
}

// mutualTLS is a receiver that wants a certificate of the authority.
func mutualTLS(t *testing.T, a authority, folder string) *httptest.Server {
	t.Helper()
	certFile, keyFile := a.issue(t, folder, "server")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(a.certificate)
	server := httptest.NewUnstartedServer(status(http.StatusOK))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// Certificates are replaced while the worker runs.
func TestReplacedAuthority(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "ca.pem")
	newAuthority(t, file)
	sender := newSender(t, webhook.Options{})
	right := newAuthority(t, filepath.Join(folder, "right.pem"))
	server := mutualTLS(t, right, folder)
	certFile, keyFile := right.issue(t, folder, "client")
	endpoint := endpoint.Endpoint{Name: "e", URL: server.URL, CAFile: file, CertFile: certFile, KeyFile: keyFile}
	if got := sender.Send(t.Context(), endpoint, newMessage()); webhook.FailureOf(got.Err) != webhook.FailureTLS {
		t.Fatalf("before: status %d, failure %q: %v", got.Status, webhook.FailureOf(got.Err), got.Err)
	}
	writePEM(t, file, "CERTIFICATE", right.certificate.Raw)
	if got := sender.Send(t.Context(), endpoint, newMessage()); got.Status != http.StatusOK {
		t.Errorf("after: status %d, failure %q: %v", got.Status, webhook.FailureOf(got.Err), got.Err)
	}
}

func TestConcurrentSends(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, status(200))
	sender := newSender(t, webhook.Options{})
	failures := make(chan error, 50)
	for range cap(failures) {
		go func() {
			failures <- sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: r.URL}, newMessage()).Err
		}()
	}
	for range cap(failures) {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	server := httptest.NewServer(status(http.StatusOK))
	defer server.Close()
	sender, err := webhook.New(webhook.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer sender.Close()
	for b.Loop() {
		if got := sender.Send(b.Context(), endpoint.Endpoint{Name: "e", URL: server.URL}, newMessage()); got.Err != nil {
			b.Fatal(got.Err)
		}
	}
}
