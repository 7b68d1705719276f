package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// TestDocumentedCommands runs the commands in the code blocks of the documents on
// a machine where nothing is watched and no Temporal runs: each must come far enough
// to find that out. A command within a sentence may be a part of one, and a
// word in capitals stands for something: of these, the names of commands and
// options must exist.
func TestDocumentedCommands(t *testing.T) {
	var commands []documented
	for _, document := range documents(t) {
		commands = append(commands, commandsIn(t, document)...)
	}
	if len(commands) < 300 {
		t.Errorf("%d commands found, want several hundred", len(commands))
	}
	emptyMachine(t)
	var all sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, command := range commands {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := command.check(t.Context()); err != nil {
				t.Errorf("%s: %q: %s", command.place, command.words, err)
			}
		})
	}
	all.Wait()
}

// documents are the files that people read.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../deploy/*/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// emptyMachine makes this process one with a new database, and nothing else.
func emptyMachine(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, value := range map[string]string{
		"TAGWATCH_DATA_DIR": dir, "XDG_CONFIG_HOME": dir, "TEMPORAL_ADDRESS": "127.0.0.1:1", "TAGWATCH_FEED_URL": "http://127.0.0.1:1",
		"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1",
	} {
		t.Setenv(name, value)
	}
	made, err := store.Open(t.Context(), "sqlite://"+dir+"/tagwatch.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
}

// enough is how long a command may run: those that follow something never end.
const enough = time.Second

// check is an error if the command cannot be what somebody should type.
func (d documented) check(ctx context.Context) error {
	app := programNamed(d.words[0])
	if d.part {
		return checkNames(app, d.words[1:])
	}
	ctx, cancel := context.WithTimeout(ctx, enough)
	defer cancel()
	err := app.RunContext(ctx, arguments.Arrange(app, d.words))
	if err == nil || exit.Code(err) == 1 || exit.Is[*exit.Unreachable](err) || absent.MatchString(err.Error()) || ctx.Err() != nil {
		return nil
	}
	return err
}

// absent is in the errors about files, bundles, tags and input that the empty machine lacks.
var absent = regexp.MustCompile(`not found|no such file|no stored bundle|is not watched|the file is empty|standard input has no token`)

// programNamed is tagwatch without output, or the options of tagwatch-worker.
func programNamed(name string) *cli.App {
	app := newApp()
	if name == "tagwatch-worker" {
		app = &cli.App{Name: name, Flags: append(config.Flags(), config.WorkerFlags()...), Action: readSettings,
			Commands: []*cli.Command{{Name: "health"}, {Name: "sbom"}, {Name: "man"}}}
	} else {
		commandNamed(app.Commands, "up").Action = readSettings
	}
	app.Writer, app.ErrWriter, app.ExitErrHandler = io.Discard, io.Discard, func(*cli.Context, error) {}
	return app
}

// readSettings is what a worker does first.
func readSettings(c *cli.Context) error {
	if c.Args().Present() {
		return fmt.Errorf("unexpected argument %q", c.Args().First())
	}
	_, err := config.FromWorker(c)
	if _, is := errors.AsType[*os.PathError](err); is {
		return nil // a file of the example
	}
	return err
}
