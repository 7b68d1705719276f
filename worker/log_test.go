package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/tagwatch/tagwatch/config"
)

func TestTemporalLog(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, level string
		log         func(sdklog.Logger)
		want        string
	}{
		{"a worker that starts", "info", func(l sdklog.Logger) { l.Info(libraryStarted) }, ""},
		{"for whoever debugs", "debug", func(l sdklog.Logger) { l.Info(libraryStarted) }, "level=DEBUG msg=\"Started Worker\""},
		{"a step that failed", "info", func(l sdklog.Logger) {
			l.Error(libraryFailed, "WorkflowID", "watch-tag:a/b:1", "RunID", "0", "Error", "gone")
		},
			"level=WARN msg=\"step failed\" WorkflowID=watch-tag:a/b:1 Error=gone"},
		{"below the level", "error", func(l sdklog.Logger) { l.Error(libraryFailed) }, ""},
		{"what belongs to the worker", "info", func(l sdklog.Logger) {
			sdklog.With(l, "Namespace", "default", "WorkerID", "w", "TaskQueue", "tagwatch").Warn("odd")
		},
			"level=WARN msg=odd TaskQueue=tagwatch"},
		{"other errors", "info", func(l sdklog.Logger) { l.Error("Workflow panic") }, "level=ERROR msg=\"Workflow panic\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			logger := newLogger(&out, config.Config{LogLevel: test.level})
			test.log(sdklog.NewStructuredLogger(slog.New(temporalLog{logger.Handler()})))
			_, got, _ := strings.Cut(strings.TrimSpace(out.String()), " ") // without the time
			if got != test.want {
				t.Errorf("logged %q, want %q", got, test.want)
			}
		})
	}
}

// The library still says it in the words that temporalLog looks for.
func TestLibrarysWords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(temporalLog{newLogger(&out, config.Config{LogLevel: "info"}).Handler()})))
	environment := suite.NewTestActivityEnvironment()
	fails := func(context.Context) error { return fmt.Errorf("no such tag") }
	environment.RegisterActivityWithOptions(fails, activity.RegisterOptions{Name: "Fails"})
	if _, err := environment.ExecuteActivity(fails); err == nil {
		t.Fatal("the step succeeded")
	}
	if !strings.Contains(out.String(), "level=WARN msg=\"step failed\"") {
		t.Errorf("logged %q", out.String())
	}
}
