// Package session is one run of a command: its options and settings, the
// database, the connection to Temporal and where the output goes.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
)

func FindFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// Session is one run of a command: its options, the settings, and what was
// opened for it.
type Session struct {
	*cli.Context
	Settings config.Config
	Out      io.Writer // results
	Progress io.Writer // everything else
	Now      time.Time // when the command began

	Traces *tracing.Tracing
	Stored *store.Store
	Linked *Link
	Watch  *watching // with --watch
	Shown  func()    // stops the report that the command is slow

	server *server
}

// Action makes a command of a function that works with a session.
func Action(do func(context.Context, *Session) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		settings, err := config.From(c)
		if err != nil {
			return exit.Unable(err)
		}
		s := &Session{Context: c, Settings: settings, Out: output.Shielded(c.App.Writer), Progress: output.Shielded(c.App.ErrWriter), Now: time.Now().UTC(), Shown: func() {}}
		s.server = newServer(s)
		if err := s.checkOutput(); err != nil {
			return err
		}
		if s.String("output") == formWide {
			s.Out = &output.Shield{Writer: c.App.Writer, Colours: output.HasColours(c.App.Writer)}
		}
		if s.Traces, err = tracing.Open(c.Context, "tagwatch", c.App.Version); err != nil {
			return exit.Unable(err)
		}
		defer s.close()
		ctx, span := s.Traces.Tracer().Start(audit.As(c.Context, audit.Actor{Name: person(), Via: audit.CommandLine}), c.Command.HelpName)
		defer span.End()
		return do(ctx, s)
	}
}

// person is the system's user who runs the command.
func person() string {
	if known, err := user.Current(); err == nil && known.Username != "" {
		return known.Username
	}
	return "unknown"
}

// One is Action for a command with exactly one argument, of that name.
func One(name string, do func(context.Context, *Session, string) error) cli.ActionFunc {
	return Action(func(ctx context.Context, s *Session) error {
		given, err := s.Argument(name)
		if err != nil {
			return err
		}
		return do(ctx, s, given)
	})
}

// Bare is Action for a command without arguments.
func Bare(do func(context.Context, *Session) error) cli.ActionFunc {
	return Action(func(ctx context.Context, s *Session) error {
		if _, err := s.Arguments(); err != nil {
			return err
		}
		return do(ctx, s)
	})
}

// Store opens the database when it is first needed.
func (s *Session) Store(ctx context.Context) (*store.Store, error) {
	if s.Stored != nil {
		return s.Stored, nil
	}
	if err := s.refuseRemote(); err != nil {
		return nil, err
	}
	if err := s.requireFile(); err != nil {
		return nil, err
	}
	defer s.Slowly("Opening the database")()
	opened, err := store.Open(ctx, s.Settings.Database())
	if err != nil {
		return nil, exit.Unable(fmt.Errorf("open the database (--database-url, --data-dir): %w", err))
	}
	s.Stored, s.Shown = opened, s.Slowly("Reading the database")
	return opened, nil
}

// requireFile requires an existing database file, which the first worker creates. A command
// with another directory than the workers' would otherwise find nothing watched, or store
// endpoints that nobody serves.
func (s *Session) requireFile() error {
	database, err := url.Parse(s.Settings.Database())
	if err != nil || database.Scheme != "sqlite" {
		return nil // the store reports the error
	}
	if _, err := os.Stat(filepath.Dir(database.Path)); err != nil && s.Settings.DatabaseURL != "" {
		return nil // likewise
	}
	if _, err := os.Stat(database.Path); !errors.Is(err, fs.ErrNotExist) {
		return nil // likewise
	}
	return exit.Usage("database %s not found: set --data-dir (TAGWATCH_DATA_DIR) to the directory of the running Tagwatch, or start one with: tagwatch up", database.Path)
}

func (s *Session) close() {
	s.Shown()
	if s.Stored != nil {
		_ = s.Stored.Close() // everything that matters was committed
	}
	if s.Linked != nil {
		s.Linked.Client.Temporal.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if err := s.Traces.Close(ctx); err != nil {
		s.Say("Sending the trace of this command to OTEL_EXPORTER_OTLP_ENDPOINT failed: %s", err)
	}
}

// Say prints a line for people beside the result.
func (s *Session) Say(format string, arguments ...any) {
	s.Shown()
	s.say(format, arguments...)
}

// say is Say of what is said while the command goes on.
func (s *Session) say(format string, arguments ...any) {
	fmt.Fprintf(s.Progress, format+"\n", arguments...)
}

// Arguments are exactly the named ones; a name that ends in ... stands for one
// or more.
func (s *Session) Arguments(names ...string) ([]string, error) {
	given := s.Args().Slice()
	many := len(names) > 0 && strings.HasSuffix(names[len(names)-1], "...")
	switch {
	case len(given) < len(names):
		return nil, exit.Usage("%s is missing; see %s --help", strings.TrimSuffix(names[len(given)], "..."), s.Command.HelpName)
	case len(given) > len(names) && !many:
		return nil, exit.Usage("unexpected argument %q; see %s --help", given[len(names)], s.Command.HelpName)
	case slices.Contains(given, ""):
		return nil, exit.Usage("empty argument; see %s --help", s.Command.HelpName)
	}
	return given, nil
}

// Argument is the one argument of a command.
func (s *Session) Argument(name string) (string, error) {
	given, err := s.Arguments(name)
	if err != nil {
		return "", err
	}
	return given[0], nil
}

// Needs refuses a command without an option. The library's own check prints the whole help.
func (s *Session) Needs(option string) error {
	if !s.IsSet(option) {
		return exit.Usage("--%s is missing; see %s --help", option, s.Command.HelpName)
	}
	return nil
}

// Text is the value of an option as its environment variable takes it.
func (s *Session) Text(name string) string {
	if values, ok := s.Value(name).(cli.StringSlice); ok {
		return strings.Join(values.Value(), ",")
	}
	return fmt.Sprint(s.Value(name))
}
