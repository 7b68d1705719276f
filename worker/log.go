package main

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"go.temporal.io/sdk/activity"

	"github.com/tagwatch/tagwatch/config"
)

func newLogger(w io.Writer, settings config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(settings.LogLevel)) // validated
	options := &slog.HandlerOptions{Level: level}
	if settings.LogFormat == "json" {
		return slog.New(activityLog{slog.NewJSONHandler(w, options)})
	}
	return slog.New(activityLog{slog.NewTextHandler(w, options)})
}

// activityLog adds to each line logged with an activity's context the workflow
// run it works for, under the keys that Temporal's library uses in its own
// lines: one search finds both.
type activityLog struct{ slog.Handler }

// Handle implements slog.Handler.
func (l activityLog) Handle(ctx context.Context, record slog.Record) error {
	if activity.IsActivity(ctx) {
		info := activity.GetInfo(ctx)
		record = record.Clone()
		record.AddAttrs(slog.String("WorkflowID", info.WorkflowExecution.ID), slog.String("RunID", info.WorkflowExecution.RunID),
			slog.String("ActivityType", info.ActivityType.Name), slog.Int("Attempt", int(info.Attempt)))
	}
	return l.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (l activityLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return activityLog{l.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (l activityLog) WithGroup(name string) slog.Handler {
	return activityLog{l.Handler.WithGroup(name)}
}

// temporalLog adapts the log of Temporal's library to an operator's needs: an
// activity that failed is a warning, since it is retried or its workflow handles
// the failure, and the start and stop of each task queue's worker is for
// debugging.
type temporalLog struct{ slog.Handler }

// Messages of the library that are logged at another level.
const (
	libraryStarted = "Started Worker"
	libraryStopped = "Stopped Worker"
	libraryFailed  = "Activity error."
)

// leftOut are keys whose values are equal in all lines of a worker.
var leftOut = []string{"Namespace", "WorkerID"}

// Handle implements slog.Handler.
func (t temporalLog) Handle(ctx context.Context, record slog.Record) error {
	level, message := record.Level, record.Message
	switch message {
	case libraryStarted, libraryStopped:
		level = slog.LevelDebug
	case libraryFailed:
		level, message = slog.LevelWarn, "activity failed"
	}
	if !t.Enabled(ctx, level) {
		return nil
	}
	adapted := slog.NewRecord(record.Time, level, message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		if !slices.Contains(leftOut, a.Key) {
			adapted.AddAttrs(a)
		}
		return true
	})
	return t.Handler.Handle(ctx, adapted)
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
