package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
)

// WatchPause is the time between two views of what --watch shows.
const WatchPause = 2 * time.Second

func WatchFlag() cli.Flag {
	return &cli.BoolFlag{Name: "watch", Usage: "refresh the output until interrupted; if it is not a terminal, print only changes"}
}

type watching struct {
	screen  bool // a terminal is redrawn
	First   bool
	shown   map[string]string // the items, by name
	heading string
	stream  *Stream
}

// Watched repeats a command for --watch.
func Watched(pause time.Duration, do func(context.Context, *Session) error) func(context.Context, *Session) error {
	return func(ctx context.Context, s *Session) error {
		if !s.Bool("watch") {
			return do(ctx, s)
		}
		file, ok := s.App.Writer.(*os.File)
		s.Watch = &watching{First: true, shown: map[string]string{}, stream: s.Stream(),
			screen: ok && term.IsTerminal(int(file.Fd())) && s.ForPeople() && !s.Bool("quiet")}
		view := do
		if s.Watch.screen {
			view = func(ctx context.Context, s *Session) error { return s.redraw(ctx, file, pause, do) }
		}
		for ; ; s.Watch.First = false {
			s.Now = time.Now().UTC()
			err := view(ctx, s)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil && s.Watch.First && !errors.Is(err, exit.ErrReported):
				return err
			case err != nil:
				exit.Conclude(s.App.ErrWriter, err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
		}
	}
}

func (s *Session) redraw(ctx context.Context, terminal *os.File, pause time.Duration, do func(context.Context, *Session) error) error {
	var page bytes.Buffer
	out, progress := s.Out, s.Progress
	limit := output.WidthOf(out)
	s.Out, s.Progress = &output.Shield{Writer: &page, Width: limit, Colours: output.Coloured(out)}, &output.Shield{Writer: &page}
	err := do(ctx, s)
	s.Out, s.Progress = out, progress
	if ctx.Err() != nil || s.Watch.First && err != nil && !errors.Is(err, exit.ErrReported) {
		return err
	}
	if err != nil {
		exit.Conclude(&page, err)
	}
	lines := strings.Split(strings.TrimRight(page.String(), "\n"), "\n")
	if _, height, err := term.GetSize(int(terminal.Fd())); err == nil && height > 2 {
		lines = fitting(lines, output.TerminalWidth(terminal), height-2)
	}
	const home, clearLine, clearBelow = "\x1b[H", "\x1b[K", "\x1b[J"
	text := home
	if s.Watch.First {
		text += clearBelow
	}
	text += fmt.Sprintf("%s, every %s, %s (Ctrl-C ends it)%s\n", s.Command.HelpName, pause, s.Now.Local().Format(time.TimeOnly), clearLine)
	_, written := io.WriteString(terminal, text+strings.Join(lines, clearLine+"\n")+clearLine+"\n"+clearBelow)
	return written
}

// fitting are the lines that a terminal of that size shows.
func fitting(lines []string, width, height int) []string {
	for i, line := range lines {
		height -= 1 + max(output.CellsOf(line)-1, 0)/width
		if height < 0 {
			return append(lines[:max(i-1, 0)], fmt.Sprintf("... %d more lines", len(lines)-max(i-1, 0)))
		}
	}
	return lines
}

// showChanges prints items that are new or changed.
func showChanges[T any](s *Session, r Rows[T]) error {
	w := s.Watch
	now := map[string]string{}
	var changed []T
	for _, item := range r.Items {
		name := r.Name(item)
		for _, twice := now[name]; twice; _, twice = now[name] {
			name += "'"
		}
		steady := item
		if r.Steady != nil {
			steady = r.Steady(item)
		}
		text, err := json.Marshal(steady)
		if err != nil {
			return err
		}
		now[name] = string(text)
		if before, found := w.shown[name]; !found || before != now[name] {
			changed = append(changed, item)
		}
	}
	for name := range w.shown {
		if _, found := now[name]; !found {
			s.Say("%s is no longer listed", name)
		}
	}
	w.shown = now
	switch {
	case s.Bool("quiet"):
		printNames(s.Out, Rows[T]{Items: changed, Name: r.Name})
	case !s.ForPeople():
		for _, item := range changed {
			if err := w.stream.Write(item); err != nil {
				return err
			}
		}
	case w.First || len(changed) > 0:
		w.print(s.Out, func(out io.Writer) { r.People(out, changed) })
	}
	return nil
}

// print leaves out the heading of a table that was printed before.
func (w *watching) print(out io.Writer, people func(io.Writer)) {
	var page bytes.Buffer
	people(&output.Shield{Writer: &page, Width: output.WidthOf(out), Colours: output.Coloured(out)})
	text := page.String()
	heading, rest, _ := strings.Cut(text, "\n")
	if normal := strings.Join(strings.Fields(heading), " "); normal != w.heading {
		w.heading = normal
		rest = text
	}
	_, _ = io.WriteString(out, rest)
}
