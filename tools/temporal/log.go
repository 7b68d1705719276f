package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/server/common/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// serverLog is the log of Temporal's services, on standard error.
type serverLog struct {
	log.Logger
	level  zap.AtomicLevel
	wanted zapcore.Level
}

func newServerLog(level string) (*serverLog, error) {
	parsed, err := zap.ParseAtomicLevel(level)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.ISO8601TimeEncoder
	logger, err := zap.Config{
		Level:         parsed,
		Encoding:      "console",
		EncoderConfig: encoder,
		OutputPaths:   []string{"stderr"},
		DisableCaller: true, DisableStacktrace: true, // each line carries its place already
	}.Build(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return attentive{core} }))
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return &serverLog{Logger: log.NewZapLogger(logger), level: parsed, wanted: parsed.Level()}, nil
}

// mute suppresses errors while the services start and stop, when each reports that another one is not reachable. An error that prevents
// the start is returned, not logged. At more verbose levels everything is logged.
func (l *serverLog) mute() {
	if l.wanted >= zapcore.ErrorLevel {
		l.level.SetLevel(zapcore.FatalLevel)
	}
}

// resume restores the requested level.
func (l *serverLog) resume() { l.level.SetLevel(l.wanted) }

// attentive drops the errors that Temporal logs for each call that its caller cancelled, as every worker does when it stops.
type attentive struct{ zapcore.Core }

// With keeps the filter in loggers made from this one.
func (a attentive) With(fields []zapcore.Field) zapcore.Core { return attentive{a.Core.With(fields)} }

// Check offers this core, not the one inside, for what is enabled.
func (a attentive) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if a.Enabled(entry.Level) {
		return checked.AddCore(entry, a)
	}
	return checked
}

// Write passes on entries that somebody might act upon.
func (a attentive) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok && abandoned(err) {
			return nil
		}
	}
	return a.Core.Write(entry, fields)
}

// abandoned recognizes a call that its caller cancelled, also after persistence turned the error into text.
func abandoned(err error) bool {
	return errors.Is(err, context.Canceled) || strings.Contains(err.Error(), context.Canceled.Error())
}
