package session

import (
	"context"
	"errors"
	"time"

	"github.com/tagwatch/tagwatch/starter/exit"
)

// Quiet is how long a command may take before it says what it is doing.
const Quiet = 2 * time.Second

// Slowly says what is being done if it takes long. Call the function that it returns when
// it is done.
func (s *Session) Slowly(doing string) (done func()) {
	timer := time.AfterFunc(Quiet, func() { s.say("%s ...", doing) })
	return func() { timer.Stop() }
}

// Counting returns a function that prints the progress at intervals; total is 0 if it is not
// known.
func (s *Session) Counting(total int, what string) func(done int) {
	s.Shown()
	printed := time.Now()
	return func(done int) {
		switch {
		case time.Since(printed) < Quiet:
			return
		case total > 0:
			s.Say("%d of %d %s", done, total, what)
		default:
			s.Say("%d %s", done, what)
		}
		printed = time.Now()
	}
}

// Meanwhile says what continues after an interrupted command. ctx is the one that an
// interrupt ends.
func Meanwhile(ctx context.Context, err error, goesOn string) error {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return &exit.Interrupted{Meanwhile: goesOn}
	}
	return err
}
