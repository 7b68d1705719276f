package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAskReady(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		says   string // "" for ready
	}{
		{"ready", http.StatusOK, "ready\n", ""},
		{"not ready", http.StatusServiceUnavailable, "database: connect: refused\n", "not ready: database: connect: refused"},
		{"something else listens", http.StatusNotFound, "404 page not found\n", "not ready: 404"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/readyz" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			t.Cleanup(server.Close)
			err := askReady(t.Context(), server.Listener.Addr().String())
			if test.says == "" && err != nil {
				t.Errorf("got %v, want ready", err)
			}
			if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

func TestAskReadyWhereNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := askReady(t.Context(), address); err == nil || !strings.Contains(err.Error(), "no worker answers") {
		t.Errorf("got %v, want that no worker answers", err)
	}
}

func TestDialable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ listen, want string }{
		{"127.0.0.1:8234", "127.0.0.1:8234"},
		{"worker.example.com:80", "worker.example.com:80"},
		{":8234", "127.0.0.1:8234"},
		{"0.0.0.0:8234", "127.0.0.1:8234"},
		{"[::]:8234", "[::1]:8234"},
		{"[2001:db8::1]:8234", "[2001:db8::1]:8234"},
		{"8234", ""},
	} {
		got, err := dialable(test.listen)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("dialable(%q) = %q, %v; want %q", test.listen, got, err, test.want)
		}
	}
}
