package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/server/common/headers"
)

// chosenPort stands for any free port.
const chosenPort = -1

// shortestRetention is the shortest one that Temporal accepts.
const shortestRetention = 24 * time.Hour

var logLevels = []string{"debug", "info", "warn", "error"}

// options are the command line, after validation.
type options struct {
	dataDir   string
	inMemory  bool
	postgres  string // URL; empty for SQLite
	ip        netip.Addr
	port      int // chosenPort: a free one
	uiPort    int // 0: no Web UI; chosenPort: a free one
	namespace string
	retention time.Duration // of closed workflows, when the namespace is created
	logLevel  string
}

// newApp is the command line, which calls serve with valid options only.
func newApp(out io.Writer, serve func(context.Context, options, io.Writer) error) *cli.App {
	return &cli.App{
		Name:            "tagwatch-temporal",
		Usage:           "a Temporal server with its Web UI on SQLite or PostgreSQL, for one machine",
		Version:         "Temporal " + headers.ServerVersion,
		Writer:          out,
		Flags:           flags(),
		HideHelpCommand: true,
		OnUsageError:    func(_ *cli.Context, err error, _ bool) error { return err },
		ExitErrHandler:  func(*cli.Context, error) {}, // main prints and exits
		Action: func(c *cli.Context) error {
			opts, err := parse(c)
			if err != nil {
				return err
			}
			return serve(c.Context, opts, out)
		},
	}
}

func flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "data-dir", EnvVars: env("DATA_DIR"), Usage: "`DIRECTORY` of temporal.db; created when missing"},
		&cli.BoolFlag{Name: "in-memory", EnvVars: env("IN_MEMORY"), Usage: "store nothing on disk"},
		&cli.StringFlag{Name: "postgres", EnvVars: env("POSTGRES"),
			Usage: "`URL` of a PostgreSQL database to keep everything in instead, as postgres://user:password@host/temporal; a second, with _visibility at the end of its name, is used too; both are created when missing"},
		&cli.StringFlag{Name: "ip", EnvVars: env("IP"), Value: "127.0.0.1", Usage: "`ADDRESS` on which gRPC and the Web UI listen"},
		&cli.IntFlag{Name: "port", EnvVars: env("PORT"), Value: 7233, Usage: "`PORT` of gRPC; 0: a free one"},
		&cli.IntFlag{Name: "ui-port", EnvVars: env("UI_PORT"), Value: 8233, Usage: "`PORT` of the Web UI; 0: no Web UI, -1: a free one"},
		&cli.StringFlag{Name: "namespace", EnvVars: env("NAMESPACE"), Value: "default", Usage: "`NAME` of the namespace, created when missing"},
		&cli.DurationFlag{Name: "retention", EnvVars: env("RETENTION"), Value: 7 * 24 * time.Hour,
			Usage: "`TIME` for which a namespace created now keeps closed workflows"},
		&cli.StringFlag{Name: "log-level", EnvVars: env("LOG_LEVEL"), Value: "error",
			Usage: "`LEVEL` of the server's log on standard error: " + strings.Join(logLevels, ", ")},
	}
}

func env(name string) []string { return []string{"TAGWATCH_TEMPORAL_" + name} }

// parse reads the flags; its error names the first invalid one.
func parse(c *cli.Context) (options, error) {
	ip, err := netip.ParseAddr(c.String("ip"))
	if err != nil {
		return options{}, fmt.Errorf("--ip %s: not an IP address", c.String("ip"))
	}
	opts := options{
		dataDir: c.String("data-dir"), inMemory: c.Bool("in-memory"), postgres: c.String("postgres"),
		ip: ip, port: c.Int("port"), uiPort: c.Int("ui-port"),
		namespace: c.String("namespace"), retention: c.Duration("retention"), logLevel: c.String("log-level"),
	}
	if opts.port == 0 {
		opts.port = chosenPort
	}
	if c.Args().Present() {
		return options{}, fmt.Errorf("unexpected argument %q", c.Args().First())
	}
	return opts, opts.validate()
}

func (o options) validate() error {
	switch {
	case o.postgres != "" && o.inMemory:
		return errors.New("--postgres and --in-memory exclude each other")
	case o.dataDir == "" && !o.inMemory && o.postgres == "":
		return errors.New("--data-dir is missing: name a directory for temporal.db, or use --in-memory to store nothing")
	case o.dataDir != "" && o.inMemory:
		return errors.New("--data-dir and --in-memory exclude each other")
	case o.port < chosenPort || o.port > 65535:
		return fmt.Errorf("--port %d: not a port number", o.port)
	case o.uiPort < chosenPort || o.uiPort > 65535:
		return fmt.Errorf("--ui-port %d: not a port number", o.uiPort)
	case o.uiPort > 0 && o.uiPort == o.port:
		return fmt.Errorf("--port and --ui-port are both %d: choose another number for one of them", o.port)
	case o.namespace == "" || o.namespace == systemNamespace:
		return fmt.Errorf("--namespace %q: invalid or reserved name of a namespace", o.namespace)
	case o.retention < shortestRetention:
		return fmt.Errorf("--retention %s: Temporal keeps closed workflows for at least %s", o.retention, shortestRetention)
	case !slices.Contains(logLevels, o.logLevel):
		return fmt.Errorf("--log-level %q: not one of %s", o.logLevel, strings.Join(logLevels, ", "))
	}
	return nil
}
