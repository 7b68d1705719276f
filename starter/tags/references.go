package tags

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// reference is one that a person gave.
type reference struct {
	text string
	line int   // of standard input; 0 for an argument
	err  error // why no more of them can be read
}

// at says where on standard input something went wrong.
func (r reference) at(err error) error {
	if r.line == 0 {
		return err
	}
	return fmt.Errorf("standard input, line %d: %w", r.line, err)
}

// bulk does the same for many references. What fails is reported at once, and the
// others go on.
type bulk struct {
	*session.Session
	// page is how many tags are done at once at most.
	page int
	// do carries out a page and calls report for each tag, with an error if it was
	// refused. An error that do returns ends the command.
	do func(ctx context.Context, page []image.Target, report func(i int, err error)) error
	// after is what follows "12 tags" if the command ends early, as in "stay
	// subscribed".
	after string
	texts []string // the references; the arguments if nil

	platforms    []image.Platform
	targets      []image.Target // the page
	pins         map[image.Target]image.Digest
	named        map[image.Target]image.Target // what was given, by its first name
	from         []reference                   // where each target of the page comes from
	done, failed int
	code         int
}

// run returns an error for the exit code alone, once everything is reported.
func (b *bulk) run(ctx context.Context) error {
	texts, err := b.texts, error(nil)
	if texts == nil {
		texts, err = b.Arguments("REF...")
	}
	if err != nil {
		return err
	}
	if b.platforms, err = arguments.Platforms(b.Session); err != nil {
		return err
	}
	b.pins, b.named = map[image.Target]image.Digest{}, map[image.Target]image.Target{}
	given := read(b.App.Reader, texts)
	for open := true; open; {
		var r reference
		select {
		case r, open = <-given:
		default: // what was read is done before the next one comes
			if err := b.flush(ctx); err != nil {
				return err
			}
			select {
			case r, open = <-given:
			case <-ctx.Done():
				return b.early(ctx.Err())
			}
		}
		if open {
			b.add(ctx, r)
		}
		if len(b.targets) >= b.page || !open {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
	}
	if b.failed > 0 && b.failed+b.done > 1 {
		b.Say("%d done, %d failed", b.done, b.failed)
	}
	return exit.Reported(b.code)
}

// add puts the targets of a reference on the page.
func (b *bulk) add(ctx context.Context, r reference) {
	target, pin, err := image.ParsePinned(r.text)
	if r.err != nil {
		err = r.err
	}
	if err != nil {
		b.fail(r, exit.Unable(err))
		return
	}
	platforms := b.platforms
	if len(platforms) == 0 {
		platforms = []image.Platform{target.Platform}
	}
	for _, platform := range platforms {
		target.Platform = platform
		target := b.oneName(ctx, target)
		b.targets, b.from = append(b.targets, target), append(b.from, r)
		b.pins[target] = pin
	}
}

// oneName is the target under the name by which it is watched, or was given before.
func (b *bulk) oneName(ctx context.Context, target image.Target) image.Target {
	first := target.Names()[0]
	known, given := b.named[first]
	if !given {
		known = watchedAs(ctx, b.Session, target)
		b.named[first] = known
	} else if known != target {
		b.Say("%s is already subscribed as %s", target, known)
	}
	return known
}

func (b *bulk) fail(r reference, err error) {
	b.failed++
	b.code = max(b.code, exit.Conclude(b.App.ErrWriter, r.at(err)))
}

func (b *bulk) flush(ctx context.Context) error {
	if len(b.targets) == 0 {
		return nil
	}
	err := b.do(ctx, b.targets, func(i int, err error) {
		if err != nil {
			b.fail(b.from[i], err)
			return
		}
		b.done++
	})
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return b.early(err)
	}
	b.targets, b.from = nil, nil
	return nil
}

// early says what becomes of those that are done when the others are not.
func (b *bulk) early(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return &exit.Interrupted{Meanwhile: fmt.Sprintf("%s %s", wording.Count(b.done, "tag"), b.after)}
	case b.done > 0:
		b.Say("Ended early; %s %s", wording.Count(b.done, "tag"), b.after)
	}
	return err
}

// read hands on the references that are given, and those on standard input for -:
// one on a line, without comments (#) and blank lines.
func read(input io.Reader, texts []string) <-chan reference {
	given := make(chan reference, len(texts)+1000)
	for i, text := range texts {
		if text == arguments.StandardInput {
			go func() {
				defer close(given)
				readLines(input, given)
				for _, text := range texts[i+1:] {
					given <- reference{text: text}
				}
			}()
			return given
		}
		given <- reference{text: text}
	}
	close(given)
	return given
}

func readLines(input io.Reader, into chan<- reference) {
	lines := bufio.NewScanner(input)
	number := 0
	for lines.Scan() {
		number++
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text != "" {
			into <- reference{text: text, line: number}
		}
	}
	if err := lines.Err(); err != nil {
		into <- reference{line: number + 1, err: err}
	}
}
