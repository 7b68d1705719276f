package lab

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an HTTP server on 127.0.0.1 that can go away and come back on the same
// port, as a restarted one does.
type Server struct {
	handler http.Handler
	tls     *tls.Config // nil for plain HTTP
	host    string

	mu      sync.Mutex
	running *http.Server // nil while paused or closed
}

// Serve starts a server for handler on a free port. It trusts its callers, so it
// listens on the loopback interface only.
func Serve(handler http.Handler) (*Server, error) { return serveTLS(handler, nil) }

// serveTLS is Serve over TLS, unless config is nil.
func serveTLS(handler http.Handler, config *tls.Config) (*Server, error) {
	s := &Server{handler: handler, tls: config, host: "127.0.0.1:0"}
	if err := s.Resume(); err != nil {
		return nil, err
	}
	return s, nil
}

// Host is the address with its port, as it stands in an image reference.
func (s *Server) Host() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host
}

// URL is the server's root without a trailing slash.
func (s *Server) URL() string {
	if s.tls != nil {
		return "https://" + s.Host()
	}
	return "http://" + s.Host()
}

// Pause refuses new connections and breaks the open ones. Requests in flight end
// without an answer. Pausing twice changes nothing.
func (s *Server) Pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	err := s.running.Close()
	s.running = nil
	if err != nil {
		return fmt.Errorf("stop listening on %s: %w", s.host, err)
	}
	return nil
}

// Resume listens again on the port that the server had before. On a running
// server it does nothing.
func (s *Server) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.host)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.host, err)
	}
	s.host = listener.Addr().String()
	s.running = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	go serve(s.running, listener)
	return nil
}

// Close stops the server for good.
func (s *Server) Close() error { return s.Pause() }

// serve ends when the server is closed, and panics on any other end.
func serve(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		panic(fmt.Sprintf("serve %s: %v", listener.Addr(), err))
	}
}
