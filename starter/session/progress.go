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
	timer := time.AfterFunc(Quiet, func() { s.Say("%s ...", doing) })
	return func() { timer.Stop() }
}

// Counting returns a function that says how many are done, whenever the person
// has heard nothing for a while; total is 0 if nobody knows it.
func (s *Session) Counting(total int, what string) func(done int) {
	s.Shown()
	heard := time.Now()
	return func(done int) {
		switch {
		case time.Since(heard) < Quiet:
			return
		case total > 0:
			s.Say("%d of %d %s", done, total, what)
		default:
			s.Say("%d %s", done, what)
		}
		heard = time.Now()
	}
}

// Meanwhile says what goes on without the command if a person interrupted it.
// ctx is the one that an interrupt ends.
func Meanwhile(ctx context.Context, err error, goesOn string) error {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return &exit.Interrupted{Meanwhile: goesOn}
	}
	return err
}
