package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// headerTimeout is for the request's headers, and for the TLS handshake.
	headerTimeout = 5 * time.Second
	// readTimeout is for the whole request.
	readTimeout = 15 * time.Second
	// writeTimeout is from the headers to the last byte of the answer.
	writeTimeout = 45 * time.Second
	// idleTimeout ends a connection on which no further request comes.
	idleTimeout = time.Minute
	// maxHeader bounds the request's headers, in bytes.
	maxHeader = 32 << 10
	// stopTimeout lets the requests under way end.
	stopTimeout = 10 * time.Second
)

// Serve serves until the context ends, and then lets the requests under way end. It
// refuses unsafe requests from pages of other sites.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: http.NewCrossOriginProtection().Handler(handler), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stoppingKey{}, ctx.Done())
		},
		// Go would log what anybody sends, such as paths, which can hold secrets.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	stopped := context.AfterFunc(ctx, func() {
		shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		_ = server.Shutdown(shutdown)
	})
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type stoppingKey struct{}

// Stopping is closed when the server of a request stops: requests without an end must end
// by themselves. It is nil for a request of another server.
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return stopping
}
