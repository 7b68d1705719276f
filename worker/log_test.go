package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
		{"an activity that failed", "info", func(l sdklog.Logger) {
			l.Error(libraryFailed, "WorkflowID", "watch-tag:a/b:1", "RunID", "0", "Error", "gone")
		},
			"level=WARN msg=\"activity failed\" WorkflowID=watch-tag:a/b:1 RunID=0 Error=gone"},
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

// Each line that is logged with an activity's context says which attempt of which
// activity of which run logged it.
func TestActivityLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := newLogger(&out, config.Config{LogLevel: "info", LogFormat: "json"}).With("component", "registry")
	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestActivityEnvironment()
	var info activity.Info
	logs := func(ctx context.Context) error {
		info = activity.GetInfo(ctx)
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		logger.WarnContext(derived, "registry slow", "host", "a.example.com")
		return nil
	}
	environment.RegisterActivityWithOptions(logs, activity.RegisterOptions{Name: "Observe"})
	if _, err := environment.ExecuteActivity(logs); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("logged %q: %v", out.String(), err)
	}
	delete(got, "time")
	want := map[string]any{"level": "WARN", "msg": "registry slow", "component": "registry", "host": "a.example.com",
		"WorkflowID": info.WorkflowExecution.ID, "RunID": info.WorkflowExecution.RunID, "ActivityType": "Observe", "Attempt": float64(info.Attempt)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("logged (-want +got)\n%s", diff)
	}
	out.Reset()
	logger.InfoContext(t.Context(), "worker stopping")
	if strings.Contains(out.String(), "WorkflowID") {
		t.Errorf("a line outside of an activity names a workflow: %s", out.String())
	}
}

var withoutContext = regexp.MustCompile(`(?i)\blog(?:ger)?\.(?:Debug|Info|Warn|Error)\(`)

// Activities log with their context, without which a line could not name its run.
func TestActivitiesLogWithContext(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../activities/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("activities found: %d, %v", len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := withoutContext.Find(source); found != nil && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s logs by %s...): use the method that takes a context", file, found)
		}
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
	if !strings.Contains(out.String(), "level=WARN msg=\"activity failed\"") {
		t.Errorf("logged %q", out.String())
	}
}
