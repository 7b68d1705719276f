package up

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// localWorker is the one worker of one machine.
type localWorker struct {
	path        string
	environment []string
	words       lastWords
	announced   announcer
	api         string // address of the HTTP API; "" without one
	session     *session.Session
}

func newLocalWorker(s *session.Session, settings config.Config) (*localWorker, error) {
	path, err := session.Beside("tagwatch-worker")
	if err != nil {
		return nil, err
	}
	if _, _, err := net.SplitHostPort(settings.Worker.Listen); err != nil {
		return nil, exit.Usage("invalid value %q for --listen: expected a host with a port such as 127.0.0.1:8234", settings.Worker.Listen)
	}
	return &localWorker{path: path, environment: workerEnvironment(s, os.Environ()), api: apiAddress(settings.Worker), session: s}, nil
}

// workerEnvironment is ours without the settings of another Temporal, and with
// the options of the command line.
func workerEnvironment(s *session.Session, ours []string) []string {
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
			environment = append(environment, documented.GetEnvVars()[0]+"="+s.Text(name))
		}
	}
	// Whoever gave a relative directory meant this process's.
	return append(environment, "TAGWATCH_DATA_DIR="+s.Settings.DataDir)
}

func (w *localWorker) keep(ctx context.Context, temporal *announcement) *keeper {
	environment := append(w.environment, "TEMPORAL_ADDRESS="+temporal.Address, "TEMPORAL_NAMESPACE="+temporal.Namespace,
		"TEMPORAL_CONFIG_FILE="+os.DevNull)
	if temporal.UI != "" && !w.session.IsSet("temporal-ui") {
		environment = append(environment, "TAGWATCH_TEMPORAL_UI="+temporal.UI)
	}
	return keep(ctx, program{
		name: "tagwatch-worker", grace: 40 * time.Second, say: w.session.Say,
		advice: w.words.String,
		command: func() *exec.Cmd {
			command := exec.Command(w.path)
			command.Env = environment
			command.Stdout, command.Stderr = w.announced.output(), &teeWriter{w.session.Progress, &w.words}
			return command
		},
		watch: w.announced.await,
	})
}

// page is the address of the status page in a browser of this machine.
func (w *localWorker) page() string {
	host, port, err := net.SplitHostPort(w.announced.last.Load().Address)
	if err != nil {
		return ""
	}
	return "http://" + here(host, port) + "/"
}

// apiAddress is that of the HTTP API on this machine; "" if the worker does not serve it.
func apiAddress(w config.Worker) string {
	host, port, err := net.SplitHostPort(w.APIListen)
	if err != nil || !w.Serves("api") {
		return "" // the worker says what is wrong with an invalid one
	}
	scheme := "http://"
	if w.APICertFile != "" {
		scheme = "https://"
	}
	return scheme + here(host, port) + "/api"
}

// here is an address to connect to for one to listen at.
func here(host, port string) string {
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
