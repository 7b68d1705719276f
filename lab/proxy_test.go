package lab_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// A client may speak before the tunnel stands: what the proxy has read of it by
// then is carried on, not lost.
func TestTunnelCarriesWhatWasReadAlready(t *testing.T) {
	t.Parallel()
	proxy, err := lab.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	client, err := net.Dial("tcp", proxy.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.SetDeadline(time.Now().Add(10 * time.Second)); err != nil { // what is lost does not come later
		t.Fatal(err)
	}
	const words = "the first words"
	echo := echoing(t)
	if _, err := fmt.Fprintf(client, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n%[2]s", echo, words); err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReader(client)
	if resp, err := http.ReadResponse(answer, &http.Request{Method: http.MethodConnect}); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("answer to CONNECT: %v, %v", resp, err)
	}
	came := make([]byte, len(words))
	if _, err := io.ReadFull(answer, came); err != nil || string(came) != words {
		t.Errorf("through the tunnel came %q, %v; want %q", came, err, words)
	}
}

// echoing starts a server that sends back what it gets from one client, and
// returns its address.
func echoing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		accepted, err := listener.Accept()
		if err != nil {
			return // the test is over
		}
		defer accepted.Close()
		_, _ = io.Copy(accepted, accepted)
	}()
	return listener.Addr().String()
}
