package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/config"
)

// session is one run of a command: its options, the settings, and what was
// opened for it.
type session struct {
	*cli.Context
	settings config.Config
	out      io.Writer // results
	progress io.Writer // everything else
	now      time.Time // when the command began

	traces *tracing.Tracing
	stored *store.Store
	linked *link
}

// action makes a command of a function that works with a session.
func action(do func(context.Context, *session) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		settings, err := config.From(c)
		if err != nil {
			return unable(err)
		}
		s := &session{Context: c, settings: settings, out: &shield{Writer: c.App.Writer}, progress: &shield{Writer: c.App.ErrWriter}, now: time.Now().UTC()}
		if err := s.checkOutput(); err != nil {
			return err
		}
		if s.traces, err = tracing.Open(c.Context, "tagwatch", version); err != nil {
			return unable(err)
		}
		defer s.close()
		ctx, span := s.traces.Tracer().Start(c.Context, c.Command.HelpName)
		defer span.End()
		return do(ctx, s)
	}
}

// bare is action for a command without arguments.
func bare(do func(context.Context, *session) error) cli.ActionFunc {
	return action(func(ctx context.Context, s *session) error {
		if _, err := s.arguments(); err != nil {
			return err
		}
		return do(ctx, s)
	})
}

// store opens the database when it is first needed.
func (s *session) store(ctx context.Context) (*store.Store, error) {
	if s.stored != nil {
		return s.stored, nil
	}
	if err := s.requireFile(); err != nil {
		return nil, err
	}
	opened, err := store.Open(ctx, s.settings.Database())
	if err != nil {
		return nil, unable(fmt.Errorf("open the database (--database-url, --data-dir): %w", err))
	}
	s.stored = opened
	return opened, nil
}

// requireFile refuses a database file that is not there. Its first worker makes
// it; a command that did would say that nothing is watched, or store an endpoint
// that nobody serves, whenever it is called with another directory than the
// workers'.
func (s *session) requireFile() error {
	database, err := url.Parse(s.settings.Database())
	if err != nil || database.Scheme != "sqlite" {
		return nil // the store says what is wrong
	}
	if _, err := os.Stat(filepath.Dir(database.Path)); err != nil && s.settings.DatabaseURL != "" {
		return nil // likewise
	}
	if _, err := os.Stat(database.Path); !errors.Is(err, fs.ErrNotExist) {
		return nil // likewise
	}
	return usage("there is no database %s: set TAGWATCH_DATA_DIR (--data-dir) as the running Tagwatch has it, or start one with: tagwatch up", database.Path)
}

func (s *session) close() {
	if s.stored != nil {
		_ = s.stored.Close() // everything that matters was committed
	}
	if s.linked != nil {
		s.linked.client.Temporal.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if err := s.traces.Close(ctx); err != nil {
		s.say("The trace of this command was not sent (OTEL_EXPORTER_OTLP_ENDPOINT): %s", err)
	}
}

// say prints a line for people beside the result.
func (s *session) say(format string, arguments ...any) {
	fmt.Fprintf(s.progress, format+"\n", arguments...)
}

// arguments are exactly the named ones; a name that ends in ... stands for one
// or more.
func (s *session) arguments(names ...string) ([]string, error) {
	given := s.Args().Slice()
	many := len(names) > 0 && strings.HasSuffix(names[len(names)-1], "...")
	switch {
	case len(given) < len(names):
		return nil, usage("%s is missing; see %s --help", strings.TrimSuffix(names[len(given)], "..."), s.Command.HelpName)
	case len(given) > len(names) && !many:
		return nil, usage("unexpected argument %q; see %s --help", given[len(names)], s.Command.HelpName)
	case slices.Contains(given, ""):
		return nil, usage("an argument is empty; see %s --help", s.Command.HelpName)
	}
	return given, nil
}

// argument is the one argument of a command.
func (s *session) argument(name string) (string, error) {
	given, err := s.arguments(name)
	if err != nil {
		return "", err
	}
	return given[0], nil
}
