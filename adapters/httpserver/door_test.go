package httpserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
)

// TestThisMachine: on loopback, a foreign name that resolves here gets nothing.
func TestThisMachine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		host string
		want int
	}{
		{"localhost:8234", 200}, {"LOCALHOST", 200}, {"127.0.0.1:8234", 200}, {"127.9.8.7", 200}, {"[::1]:8234", 200}, {"[::ffff:127.0.0.1]:1", 200},
		{"worker.example.com:8234", 200}, // it listens at this name
		{"evil.example.com:8234", 403}, {"evil.example.com.", 403}, {"localhost.evil.example.com", 403}, {"127.0.0.1.nip.io", 403},
		{"10.0.0.1:8234", 403}, {"0.0.0.0:8234", 403}, {"2130706433", 403}, {"", 403},
	} {
		for local, want := range map[string]int{"127.0.0.1:8234": test.want, "[::1]:8234": test.want, "": test.want, "10.0.0.5:8234": 200} {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.Host = test.host
			if local != "" {
				at, err := net.ResolveTCPAddr("tcp", local)
				if err != nil {
					t.Fatal(err)
				}
				request = request.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(at)))
			}
			answer := httptest.NewRecorder()
			httpserver.ThisMachine(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "worker.example.com:8234", func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, httpserver.WrongHost, http.StatusForbidden)
			}).ServeHTTP(answer, request)
			if answer.Code != want {
				t.Errorf("host %q at %q: %d, want %d", test.host, local, answer.Code, want)
			}
		}
	}
}

// served runs a server until the test ends.
func served(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := httpserver.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpserver.Serve(ctx, listener, handler) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// TestFlood: however many connections one neighbor opens, another is served, and
// so is the neighbor once it has closed them.
func TestFlood(t *testing.T) {
	t.Parallel()
	address := served(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "alive") }))
	var flood []net.Conn
	for range 600 {
		if connection := connected(t, "127.0.0.1", address); connection != nil {
			flood = append(flood, connection)
		}
	}
	if !asked(t, connected(t, "127.0.0.2", address)) {
		t.Error("another neighbor is kept out")
	}
	if asked(t, connected(t, "127.0.0.1", address)) {
		t.Error("600 connections of one neighbor were kept")
	}
	for _, connection := range flood {
		connection.Close()
	}
	for !asked(t, connected(t, "127.0.0.1", address)) {
		if t.Context().Err() != nil {
			t.Fatal("the neighbor is kept out for good")
		}
	}
}

func connected(t *testing.T, from, to string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	connection, err := dialer.DialContext(t.Context(), "tcp", to)
	if err != nil {
		return nil
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// asked sends a request and reports whether it was answered.
func asked(t *testing.T, connection net.Conn) bool {
	t.Helper()
	if connection == nil {
		return false
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return false
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	return err == nil && answer.StatusCode == http.StatusOK
}

// TestSlowRequests: who sends a request by and by, or no end of headers, is cut
// off.
func TestSlowRequests(t *testing.T) {
	t.Parallel()
	address := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, "withheld", http.StatusBadRequest)
		}
	}))
	for name, request := range map[string]string{
		"nothing":         "",
		"half a header":   "GET / HTTP/1.1\r\nHost:",
		"a withheld body": "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx",
		"a large header":  "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection := connected(t, "127.0.0.1", address)
			if connection == nil {
				t.Fatal("not connected")
			}
			if err := connection.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(connection, request); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(connection)
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || strings.Contains(string(answer), "200 OK") {
				t.Errorf("%v: %.100s", err, answer)
			}
		})
	}
}

// TestOtherSites: a page of another site changes nothing; programs do.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	address := served(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, test := range []struct {
		name, header, value string
		want                int
	}{
		{"a program", "", "", 200},
		{"its own page", "Origin", "http://" + address, 200},
		{"another origin", "Origin", "http://evil.example.com", 403},
		{"another port", "Origin", "http://127.0.0.1:1", 403},
		{"an opaque origin", "Origin", "null", 403},
		{"another site", "Sec-Fetch-Site", "cross-site", 403},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.header != "" {
			request.Header.Set(test.header, test.value)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != test.want {
			t.Errorf("%s: %d, want %d", test.name, answer.StatusCode, test.want)
		}
	}
}
