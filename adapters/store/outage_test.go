package store_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// onServer runs a test that only a server can fail.
func onServer(t *testing.T, test func(t *testing.T, url *url.URL)) {
	t.Helper()
	t.Parallel()
	server := os.Getenv(storetest.Server)
	if server == "" {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		parsed, err := url.Parse(storetest.Create(t, server))
		check(t, err)
		test(t, parsed)
	})
}

func TestServerRefuses(t *testing.T) {
	onServer(t, func(t *testing.T, url *url.URL) {
		missing, stranger := *url, *url
		missing.Path = "/no_such_database"
		query := url.Query()
		query.Set("user", "stranger")
		query.Set("password", "hunter2")
		stranger.RawQuery = query.Encode()
		for _, test := range []struct {
			url  string
			want error
			says string
		}{
			{missing.String(), errkind.NotFound, "createdb"},
			{stranger.String(), errkind.Unauthorized, "stranger"},
		} {
			_, err := store.Open(t.Context(), test.url)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %v that says %q", err, test.want, test.says)
			}
		}
	})
}

// TestOutage cuts the connections to the server and restores the way to it.
func TestOutage(t *testing.T) {
	onServer(t, func(t *testing.T, url *url.URL) {
		way := &proxy{dir: t.TempDir(), server: filepath.Join(url.Query().Get("host"), ".s.PGSQL.5432")}
		way.open(t)
		t.Cleanup(way.close)
		query := url.Query()
		query.Set("host", way.dir)
		url.RawQuery = query.Encode()
		s := open(t, url.String())
		nginx := target(t, "nginx:1")
		subscribe(t, s, nginx)

		way.close()
		if err := s.Ping(t.Context()); !errors.Is(err, errkind.Unavailable) {
			t.Errorf("ping: %v", err)
		}
		if _, err := s.View(t.Context(), nginx); !errors.Is(err, errkind.Unavailable) {
			t.Errorf("view: %v", err)
		}
		way.open(t)
		if view, err := s.View(t.Context(), nginx); err != nil || !view.Watched {
			t.Errorf("after the outage: %+v, %v", view, err)
		}
	})
}

// proxy is a way to a PostgreSQL server that can be closed.
type proxy struct {
	dir    string // of its socket
	server string // socket

	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
}

func (p *proxy) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(p.dir, ".s.PGSQL.5432"))
	check(t, err)
	p.listener = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.forward(conn)
		}
	}()
}

func (p *proxy) forward(conn net.Conn) {
	server, err := net.Dial("unix", p.server)
	if err != nil {
		conn.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, conn, server)
	p.mu.Unlock()
	go io.Copy(conn, server)
	go io.Copy(server, conn)
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
}
