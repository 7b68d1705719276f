package webhook_test

import (
	"errors"
	"net/http"
	"net/netip"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Addresses that no configuration opens.
func TestAddressesThatAreAlwaysRefused(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhook.Options{Allow: []string{"all", "169.254.169.254", "metadata.example.com"}, Resolver: (&names{answers: map[string][][]netip.Addr{
		"metadata.example.com.": {{netip.MustParseAddr("169.254.169.254")}},
	}}).resolver(t)})
	for _, test := range []struct{ name, host, says string }{
		{"metadata", "169.254.169.254", "link-local"},
		{"metadata by name", "metadata.example.com", "link-local"},
		{"metadata mapped into IPv6", "[::ffff:169.254.169.254]", "link-local"},
		{"metadata mapped in hexadecimal", "[::ffff:a9fe:a9fe]", "link-local"},
		{"metadata behind NAT64", "[64:ff9b::169.254.169.254]", "link-local"},
		{"metadata behind a local NAT64", "[64:ff9b:1::a9fe:a9fe]", "translation"},
		{"metadata compatible with IPv4", "[::169.254.169.254]", "link-local"},
		{"metadata in a 6to4 tunnel", "[2002:a9fe:a9fe::1]", "6to4"},
		{"a Teredo tunnel", "[2001::a9fe:a9fe]", "Teredo"},
		{"metadata of AWS", "[fd00:ec2::254]", "metadata"},
		{"metadata of Google", "[fd20:ce::254]", "metadata"},
		{"metadata of Alibaba", "100.100.100.200", "metadata"},
		{"metadata of Azure", "168.63.129.16", "metadata"},
		{"metadata of Oracle", "192.0.0.192", "metadata"},
		{"link-local", "169.254.1.1", "link-local"},
		{"link-local IPv6", "[fe80::1]", "link-local"},
		{"link-local IPv6 with a zone", "[fe80::1%25lo]", "link-local"},
		{"unspecified", "0.0.0.0", "unspecified"},
		{"this network", "0.1.2.3", "unspecified"},
		{"unspecified IPv6", "[::]", "unspecified"},
		{"unspecified mapped", "[::ffff:0.0.0.0]", "unspecified"},
		{"multicast", "224.0.0.1", "multicast"},
		{"multicast IPv6", "[ff02::1]", "multicast"},
		{"broadcast", "255.255.255.255", "broadcast"},
		{"reserved", "240.0.0.1", "reserved"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: "http://" + test.host + ":9/"}, newMessage())
			if webhook.FailureOf(got.Err) != webhook.FailureRefused || !strings.Contains(got.Err.Error(), test.says) {
				t.Errorf("%s: failure %q, want a refusal that says %q: %v", test.host, webhook.FailureOf(got.Err), test.says, got.Err)
			}
		})
	}
}

// Numbers that some resolvers take for addresses.
func TestNumbersInPlaceOfHosts(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhook.Options{})
	for name, host := range map[string]string{
		"decimal": "2130706433", "octal": "0177.0.0.1", "hexadecimal": "0x7f000001", "mixed": "127.0x0.0.1", "short": "127.1", "padded": "127.0.0.01",
	} {
		got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: "http://" + host + "/"}, newMessage())
		if webhook.FailureOf(got.Err) != webhook.FailureEndpoint || !strings.Contains(got.Err.Error(), "unusual form") {
			t.Errorf("%s: failure %q: %v", name, webhook.FailureOf(got.Err), got.Err)
		}
	}
}

// local is the port of a receiver on loopback, under another host.
func local(t *testing.T, r *receiver, host string) string {
	t.Helper()
	u, err := neturl.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + host + ":" + u.Port() + "/"
}

func TestAddressesByConfiguration(t *testing.T) {
	t.Parallel()
	const name = "hooks.example.com"
	loopback := netip.MustParseAddr("127.0.0.1")
	for _, test := range []struct {
		name    string
		options webhook.Options
		host    string
		refused bool
	}{
		{"loopback is open", webhook.Options{}, "127.0.0.1", false},
		{"a name is open", webhook.Options{}, name, false},
		{"private denied", webhook.Options{DenyPrivate: true}, "127.0.0.1", true},
		{"private denied by name", webhook.Options{DenyPrivate: true}, name, true},
		{"private denied, mapped into IPv6", webhook.Options{DenyPrivate: true}, "[::ffff:127.0.0.1]", true},
		{"private denied, loopback IPv6", webhook.Options{DenyPrivate: true}, "[::1]", true},
		{"private denied, 10/8", webhook.Options{DenyPrivate: true}, "10.1.2.3", true},
		{"private denied, 172.16/12", webhook.Options{DenyPrivate: true}, "172.31.255.255", true},
		{"private denied, 192.168/16", webhook.Options{DenyPrivate: true}, "192.168.0.1", true},
		{"private denied, carriers", webhook.Options{DenyPrivate: true}, "100.64.0.1", true},
		{"private denied, unique local", webhook.Options{DenyPrivate: true}, "[fd12:3456::1]", true},
		{"private denied, behind NAT64", webhook.Options{DenyPrivate: true}, "[64:ff9b::10.0.0.1]", true},
		{"exception by network", webhook.Options{DenyPrivate: true, Allow: []string{"127.0.0.0/8"}}, name, false},
		{"exception by address", webhook.Options{DenyPrivate: true, Allow: []string{"127.0.0.1"}}, "127.0.0.1", false},
		{"exception by name", webhook.Options{DenyPrivate: true, Allow: []string{"Hooks.example.com"}}, name, false},
		{"exception by name with a dot", webhook.Options{DenyPrivate: true, Allow: []string{name}}, name + ".", false},
		{"exception by domain", webhook.Options{DenyPrivate: true, Allow: []string{"*.example.com"}}, name, false},
		{"exception for another name", webhook.Options{DenyPrivate: true, Allow: []string{"example.com", "*.hooks.example.com"}}, name, true},
		{"denied by name", webhook.Options{Deny: []string{name}}, name, true},
		{"denied by network", webhook.Options{Deny: []string{"127.0.0.0/8"}}, name, true},
		{"only what is allowed", webhook.Options{Deny: []string{"all"}, Allow: []string{"10.0.0.0/8"}}, name, true},
		{"and that it is", webhook.Options{Deny: []string{"all"}, Allow: []string{"127.0.0.1/32"}}, name, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, status(200))
			test.options.Resolver = (&names{answers: map[string][][]netip.Addr{name + ".": {{loopback}}}}).resolver(t)
			got := newSender(t, test.options).Send(t.Context(), endpoint.Endpoint{Name: "e", URL: local(t, r, test.host)}, newMessage())
			if refused := webhook.FailureOf(got.Err) == webhook.FailureRefused; refused != test.refused {
				t.Errorf("refused is %t, want %t: %v", refused, test.refused, got.Err)
			}
			if reached := len(r.received()) > 0; reached == test.refused {
				t.Errorf("reached is %t", reached)
			}
		})
	}
}

// A name that turns to the metadata service after its first use.
func TestRebinding(t *testing.T) {
	t.Parallel()
	loopback, metadata := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("169.254.169.254")
	r := newReceiver(t, status(200))
	sender := newSender(t, webhook.Options{Resolver: (&names{answers: map[string][][]netip.Addr{
		"rebinding.example.com.": {{loopback}, {metadata}},
	}}).resolver(t)})
	endpoint := endpoint.Endpoint{Name: "e", URL: local(t, r, "rebinding.example.com")}
	if got := sender.Send(t.Context(), endpoint, newMessage()); got.Status != http.StatusOK {
		t.Fatalf("before: status %d: %v", got.Status, got.Err)
	}
	sender.Close() // its connection was checked and could be used again
	if got := sender.Send(t.Context(), endpoint, newMessage()); webhook.FailureOf(got.Err) != webhook.FailureRefused {
		t.Errorf("after: status %d, failure %q: %v", got.Status, webhook.FailureOf(got.Err), got.Err)
	}
}

// Of several addresses, the refused one is never tried.
func TestNameWithAForbiddenAddressAmongOthers(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, status(200))
	sender := newSender(t, webhook.Options{Resolver: (&names{answers: map[string][][]netip.Addr{
		"both.example.com.": {{netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("127.0.0.1")}},
	}}).resolver(t)})
	got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: local(t, r, "both.example.com")}, newMessage())
	if got.Status != http.StatusOK {
		t.Errorf("status %d: %v", got.Status, got.Err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		target := newReceiver(t, status(200))
		r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) { http.Redirect(w, request, target.URL, code) })
		got := newSender(t, webhook.Options{}).Send(t.Context(), endpoint.Endpoint{Name: "e", URL: r.URL}, newMessage())
		if got.Status != code || len(target.received()) > 0 {
			t.Errorf("status %d, want %d; the target received %d requests", got.Status, code, len(target.received()))
		}
	}
}

func TestRulesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"10.0.0.0/33", "http://receiver", "a b", "*", "", "host:8080"} {
		for list, options := range map[string]webhook.Options{"allow": {Allow: []string{pattern}}, "deny": {Deny: []string{pattern}}} {
			if _, err := webhook.New(options); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), list) {
				t.Errorf("%s %q: got %v, want kind Invalid", list, pattern, err)
			}
		}
	}
}
