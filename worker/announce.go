package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"time"
)

// readyInterval is the time between two checks of a worker that is not ready yet.
const readyInterval = 100 * time.Millisecond

// announce writes one line of JSON when the worker is ready for the first time.
// Whoever started it learns that from the process itself: behind an address there
// may be another worker.
func (r *readiness) announce(ctx context.Context, out io.Writer, address net.Addr, logger *slog.Logger) {
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for r.check(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
	line := struct {
		Address string `json:"address"`
		PID     int    `json:"pid"`
	}{address.String(), os.Getpid()}
	if err := json.NewEncoder(out).Encode(line); err != nil {
		logger.WarnContext(ctx, "ready, but the announcement was not written", "error", err)
	}
}
