package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

// localWorker is the one worker of one machine.
type localWorker struct {
	path        string
	environment []string
	readyz      string // URL
	session     *session
}

func (s *session) newLocalWorker(settings config.Config) (*localWorker, error) {
	path, err := beside("tagwatch-worker")
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(settings.Worker.Listen)
	if err != nil || port == "0" {
		return nil, usage("--listen %s is no host with a port, as in 127.0.0.1:8234", settings.Worker.Listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // all addresses is nothing to ask
	}
	return &localWorker{path: path, environment: s.workerEnvironment(os.Environ()), session: s,
		readyz: "http://" + net.JoinHostPort(host, port) + "/readyz"}, nil
}

// workerEnvironment is ours without the settings of another Temporal, and with
// the options of the command line.
func (s *session) workerEnvironment(ours []string) []string {
	var environment []string
	for _, setting := range ours {
		if !strings.HasPrefix(setting, "TEMPORAL_") {
			environment = append(environment, setting)
		}
	}
	for _, flag := range append(config.Flags(), config.WorkerFlags()...) {
		name := flag.Names()[0]
		documented, ok := flag.(cli.DocGenerationFlag)
		if ok && s.IsSet(name) && len(documented.GetEnvVars()) > 0 {
			environment = append(environment, documented.GetEnvVars()[0]+"="+s.text(name))
		}
	}
	// Whoever gave a relative directory meant this process's.
	return append(environment, "TAGWATCH_DATA_DIR="+s.settings.DataDir)
}

// text is the value of an option as its environment variable takes it.
func (s *session) text(name string) string {
	if values, ok := s.Value(name).(cli.StringSlice); ok {
		return strings.Join(values.Value(), ",")
	}
	return fmt.Sprint(s.Value(name))
}

func (w *localWorker) keep(ctx context.Context, temporal *announcement) *keeper {
	environment := append(w.environment, "TEMPORAL_ADDRESS="+temporal.Address, "TEMPORAL_NAMESPACE="+temporal.Namespace,
		"TEMPORAL_CONFIG_FILE="+os.DevNull)
	if temporal.UI != "" && !w.session.IsSet("temporal-ui") {
		environment = append(environment, "TAGWATCH_TEMPORAL_UI="+temporal.UI)
	}
	return keep(ctx, program{
		name: "tagwatch-worker", grace: 40 * time.Second, say: w.session.say,
		advice: func() string { return "; its log is above" },
		command: func() *exec.Cmd {
			command := exec.Command(w.path)
			command.Env = environment
			command.Stdout, command.Stderr = w.session.out, w.session.progress
			return command
		},
		watch: w.awaitReady,
	})
}

// awaitReady asks the worker until it says that it can do its work.
func (w *localWorker) awaitReady(ctx context.Context, ready func()) {
	client := &http.Client{Timeout: queryTimeout}
	for rest(ctx, glance/2) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.readyz, nil)
		if err != nil {
			return
		}
		answer, err := client.Do(request)
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			ready()
			return
		}
	}
}
