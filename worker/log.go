package main

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"github.com/tagwatch/tagwatch/config"
)

func newLogger(w io.Writer, settings config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.LogLevel)) // validated
	options := &slog.HandlerOptions{Level: level}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// temporalLog is what Temporal's library logs, as far as an operator has use for
// it: a step that failed and is tried again, or is notified to whoever asked for it,
// is no error of the worker; that task queues are served, the worker says itself.
type temporalLog struct{ slog.Handler }

// The library's messages that are notified otherwise.
const (
	libraryStarted = "Started Worker"
	libraryStopped = "Stopped Worker"
	libraryFailed  = "Activity error."
)

// left out of each line: the same in all lines of a worker, or found by the
// workflow's id.
var leftOut = []string{"Namespace", "WorkerID", "RunID"}

// Handle implements slog.Handler.
func (t temporalLog) Handle(ctx context.Context, record slog.Record) error {
	level, message := record.Level, record.Message
	switch message {
	case libraryStarted, libraryStopped:
		level = slog.LevelDebug
	case libraryFailed:
		level, message = slog.LevelWarn, "step failed"
	}
	if !t.Enabled(ctx, level) {
		return nil
	}
	notified := slog.NewRecord(record.Time, level, message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		if !slices.Contains(leftOut, a.Key) {
			notified.AddAttrs(a)
		}
		return true
	})
	return t.Handler.Handle(ctx, notified)
}

// WithAttrs implements slog.Handler.
func (t temporalLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	kept := slices.DeleteFunc(slices.Clone(attrs), func(a slog.Attr) bool { return slices.Contains(leftOut, a.Key) })
	return temporalLog{t.Handler.WithAttrs(kept)}
}

// WithGroup implements slog.Handler.
func (t temporalLog) WithGroup(name string) slog.Handler {
	return temporalLog{t.Handler.WithGroup(name)}
}
