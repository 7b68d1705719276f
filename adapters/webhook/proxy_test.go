package webhook_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	neturl "net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/lab"
)

func newProxy(t *testing.T) *lab.Proxy {
	t.Helper()
	proxy, err := lab.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	return proxy
}

// secure starts a receiver with TLS and returns the file of its authority.
func secure(t *testing.T, answer http.HandlerFunc) (address, authorityFile string) {
	t.Helper()
	folder := t.TempDir()
	authority := newAuthority(t, filepath.Join(folder, "ca.pem"))
	certFile, keyFile := authority.issue(t, folder, "receiver")
	server := httptest.NewUnstartedServer(answer)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, authority.file
}

// TestProxy: plain requests and tunnels go through the proxy of the endpoint, or
// that of the worker, unless the endpoint wants none.
func TestProxy(t *testing.T) {
	t.Parallel()
	plain := newReceiver(t, status(http.StatusOK)).URL
	encrypted, authority := secure(t, status(http.StatusOK))
	for _, test := range []struct {
		name              string
		own, worker       bool
		direct, throughIt bool
	}{
		{"the endpoint's", true, false, false, true},
		{"the worker's", false, true, false, true},
		{"none", false, false, false, false},
		{"direct in spite of the worker's", false, true, true, false},
	} {
		for _, address := range []string{plain, encrypted} {
			t.Run(test.name+" "+address[:5], func(t *testing.T) {
				t.Parallel()
				proxy := newProxy(t)
				options, e := webhook.Options{}, endpoint.Endpoint{Name: "hook", URL: address, CAFile: authority}
				if test.own {
					e.Proxy = proxy.URL()
				}
				if test.worker {
					options.Proxy = proxy.URL()
				}
				if test.direct {
					e.Proxy = endpoint.ProxyDirect
				}
				if answer := newSender(t, options).Send(t.Context(), e, newMessage()); answer.Status != http.StatusOK {
					t.Errorf("answer %v", answer)
				}
				host := strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
				if got := slices.Contains(proxy.Hosts(), host); got != test.throughIt {
					t.Errorf("through the proxy: %t, want %t", got, test.throughIt)
				}
			})
		}
	}
}

// TestProxyCredentials come from a reference, are never shown, and may change while
// the worker runs.
func TestProxyCredentials(t *testing.T) {
	t.Parallel()
	encrypted, authority := secure(t, status(http.StatusOK))
	plain := newReceiver(t, status(http.StatusOK)).URL
	proxy := newProxy(t)
	proxy.Demand("tagwatch", "hunter2/&")
	address, err := neturl.Parse(proxy.URL())
	if err != nil {
		t.Fatal(err)
	}
	address.User = neturl.UserPassword("tagwatch", "stale-s3cret")
	values := map[endpoint.SecretRef]string{"env:PROXY": address.String()}
	sender := newSender(t, webhook.Options{Secrets: secretsOf(values), Proxy: "env:PROXY"})
	send := func(to string) delivery.Answer {
		return sender.Send(t.Context(), endpoint.Endpoint{Name: "hook", URL: to, CAFile: authority}, newMessage())
	}
	if answer := send(encrypted); webhook.FailureOf(answer.Err) != webhook.FailureProxy || !strings.Contains(answer.String(), "HTTP 407") ||
		strings.Contains(answer.String(), "s3cret") {
		t.Errorf("tunnel with a stale password: %v", answer)
	}
	if answer := send(plain); delivery.Judge(answer.Status) != delivery.VerdictRetry || strings.Contains(answer.String(), "s3cret") {
		t.Errorf("request with a stale password: %v", answer)
	}
	address.User = neturl.UserPassword("tagwatch", "hunter2/&")
	values["env:PROXY"] = address.String()
	for _, to := range []string{encrypted, plain} {
		if answer := send(to); answer.Status != http.StatusOK {
			t.Errorf("%s: %v", to, answer)
		}
	}
	if answer := newSender(t, webhook.Options{Proxy: "env:TAGWATCH_TEST_NEVER_SET"}).Send(t.Context(), endpoint.Endpoint{Name: "hook", URL: plain}, newMessage()); answer.Status != 0 ||
		!strings.Contains(answer.String(), "TAGWATCH_TEST_NEVER_SET") {
		t.Errorf("a proxy that is not known: %v", answer)
	}
}

// TestProxyFails is never taken for an answer of the receiver.
func TestProxyFails(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	down := httptest.NewServer(nil)
	down.Close()
	for name, e := range map[string]endpoint.Endpoint{
		"the proxy is down":                       {URL: "http://receiver.example.com", Proxy: down.URL},
		"the proxy is down for a tunnel":          {URL: "https://receiver.example.com", Proxy: down.URL},
		"the proxy does not reach the receiver":   {URL: strings.Replace(down.URL, "http:", "https:", 1), Proxy: proxy.URL()},
		"the proxy cannot be reached as its name": {URL: "https://receiver.example.com", Proxy: "http://proxy.invalid:3128"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := newSender(t, webhook.Options{}).Send(t.Context(), e, newMessage())
			if kind := webhook.FailureOf(answer.Err); answer.Status != 0 || kind != webhook.FailureProxy && kind != webhook.FailureDNS {
				t.Errorf("%s: %v", kind, answer)
			}
			if !strings.Contains(answer.String(), "through the proxy http://") {
				t.Errorf("%q does not name the proxy", answer)
			}
		})
	}
}

// TestAddressesBehindAProxy: the rules hold for the proxy's address, and for what
// the receiver's says.
func TestAddressesBehindAProxy(t *testing.T) {
	t.Parallel()
	proxy := newProxy(t)
	plain := newReceiver(t, status(http.StatusOK)).URL
	for _, test := range []struct {
		name    string
		options webhook.Options
		url     string
		refused string // "" if it is sent
	}{
		{"metadata", webhook.Options{}, "http://169.254.169.254/latest", "metadata"},
		{"metadata by SIIT", webhook.Options{}, "http://[::ffff:0:169.254.169.254]/latest", "metadata"},
		{"metadata by name", webhook.Options{}, "http://metadata.google.internal./latest", "metadata"},
		{"metadata in IPv6", webhook.Options{}, "http://[::ffff:169.254.169.254]/latest", "metadata"},
		{"metadata, allowed", webhook.Options{Allow: []string{"all"}}, "https://169.254.169.254/latest", "metadata"},
		{"a denied name", webhook.Options{Deny: []string{"*.internal"}}, "https://Secrets.Internal./", "denied"},
		{"a denied network", webhook.Options{Deny: []string{"10.0.0.0/8"}}, "http://10.1.2.3/", "denied"},
		{"everything but the proxy denied", webhook.Options{Deny: []string{"all"}, Allow: []string{"127.0.0.1"}}, "http://receiver.example.com/", "denied"},
		{"private", webhook.Options{DenyPrivate: true, Allow: []string{"127.0.0.1"}}, "http://10.1.2.3/", "private"},
		{"localhost", webhook.Options{DenyPrivate: true}, "http://LocalHost:1/", "loopback"},
		{"the proxy is private", webhook.Options{DenyPrivate: true}, "http://receiver.example.com/", "loopback"},
		{"the proxy is denied", webhook.Options{Deny: []string{"127.0.0.0/8"}}, "http://receiver.example.com/", "denied"},
		{"the proxy is allowed", webhook.Options{DenyPrivate: true, Allow: []string{"127.0.0.1"}}, plain, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := newSender(t, test.options).Send(t.Context(), endpoint.Endpoint{Name: "hook", URL: test.url, Proxy: proxy.URL()}, newMessage())
			refused := webhook.FailureOf(answer.Err) == webhook.FailureRefused && strings.Contains(answer.String(), test.refused)
			if sent := answer.Status == http.StatusOK; sent != (test.refused == "") || refused == sent {
				t.Errorf("answer %v", answer)
			}
		})
	}
	for _, host := range proxy.Hosts() {
		if host != strings.TrimPrefix(plain, "http://") {
			t.Errorf("unexpected request to the proxy for %s", host)
		}
	}
}

// TestProxyOfTheEnvironment does not count unless it is named.
func TestProxyOfTheEnvironment(t *testing.T) {
	proxy := newProxy(t)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL())
	}
	plain := newReceiver(t, status(http.StatusOK)).URL
	// A name, because no proxy of the environment is used to loopback addresses.
	named := strings.Replace(plain, "127.0.0.1", "receiver.example.com", 1)
	known := &names{answers: map[string][][]netip.Addr{"receiver.example.com.": {{netip.MustParseAddr("127.0.0.1")}}}}
	sender := newSender(t, webhook.Options{Resolver: known.resolver(t)})
	if answer := sender.Send(t.Context(), endpoint.Endpoint{Name: "hook", URL: named}, newMessage()); answer.Status != http.StatusOK || len(proxy.Hosts()) > 0 {
		t.Errorf("answer %v, through the proxy %v", answer, proxy.Hosts())
	}
	sender = newSender(t, webhook.Options{Proxy: "env:HTTP_PROXY"})
	if answer := sender.Send(t.Context(), endpoint.Endpoint{Name: "hook", URL: plain}, newMessage()); answer.Status != http.StatusOK || len(proxy.Hosts()) != 1 {
		t.Errorf("answer %v, through the proxy %v", answer, proxy.Hosts())
	}
}
