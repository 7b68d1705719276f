package push_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/push"
)

// TestStrangersHoldNoPlace: requests that prove nothing and withhold their bodies
// do not keep the sources out.
func TestStrangersHoldNoPlace(t *testing.T) {
	t.Parallel()
	r := receive(t, push.Source{Name: "shop", Kind: push.Distribution, Secret: "env:SOURCE"},
		push.Source{Name: "code", Kind: push.GitHub, Secret: "env:SOURCE"})
	for n := range 80 {
		for name, proof := range map[string]string{"shop": "Authorization: Bearer " + wrong, "code": "X-Hub-Signature-256: sha256=" + strings.Repeat("0", 64)} {
			stranger(t, r.url, fmt.Sprintf("127.0.0.%d", 2+n%3), name, proof)
		}
	}
	if status, text := r.post(t, "/push/shop", documented(t, "distribution_push.json"), "Authorization", "Bearer "+secret); status != 200 {
		t.Errorf("a token meanwhile: %d %s", status, text)
	}
	body := documented(t, "github_package.json")
	if status, text := r.post(t, "/push/code", body, "X-GitHub-Event", "package", "X-Hub-Signature-256", signature(secret, body)); status != 200 {
		t.Errorf("a signature meanwhile: %d %s", status, text)
	}
}

// stranger announces a body and never sends it.
func stranger(t *testing.T, url, from, source, proof string) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	connection, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	_, err = io.WriteString(connection, "POST /push/"+source+" HTTP/1.1\r\nHost: localhost\r\n"+proof+"\r\nContent-Length: 100\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
}
