package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestLogDropsAbandonedCalls(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"a caller gave up", fmt.Errorf("poll: %w", context.Canceled), 0},
		{"a caller gave up, as text", errors.New("GetTaskQueue operation failed: context canceled"), 0},
		{"a deadline passed", context.DeadlineExceeded, 1},
		{"anything else", errors.New("disk full"), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			core, seen := observer.New(zapcore.InfoLevel)
			logger := log.With(log.NewZapLogger(zap.New(attentive{core})), tag.ComponentTaskQueue)

			logger.Error("service failures", tag.Error(test.err))

			if seen.Len() != test.want {
				t.Errorf("%d lines, want %d", seen.Len(), test.want)
			}
		})
	}
}

func TestLogWhileServicesStartAndStop(t *testing.T) {
	tests := []struct {
		wanted, hushed string
	}{
		{"error", "fatal"},
		{"warn", "warn"},
		{"debug", "debug"},
	}
	for _, test := range tests {
		t.Run(test.wanted, func(t *testing.T) {
			logger, err := newServerLog(test.wanted)
			if err != nil {
				t.Fatal(err)
			}

			logger.mute()
			hushed := logger.level.String()
			logger.resume()

			if hushed != test.hushed || logger.level.String() != test.wanted {
				t.Errorf("hushed %s, then %s; want %s, then %s", hushed, logger.level, test.hushed, test.wanted)
			}
		})
	}
}
