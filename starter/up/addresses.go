package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// address is one at which a program is to listen, with the option that names it.
type address struct{ option, text string }

// addressesOf are those of Temporal and of the worker.
func addressesOf(s *session.Session, w config.Worker) []address {
	used := []address{{"--listen", w.Listen}}
	for _, option := range []string{"port", "ui-port"} {
		if port := s.Int(option); port > 0 {
			used = append(used, address{"--" + option, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))})
		}
	}
	if w.APIListen != "" && w.Serves("api") {
		used = append(used, address{"--api-listen", w.APIListen})
	}
	if w.PushAddress != "" {
		used = append(used, address{"--push-address", w.PushAddress})
	}
	return used
}

const (
	// releasing is how long the programs of an earlier run that was killed may keep their
	// addresses.
	releasing = 2 * time.Second
	tryAgain  = 100 * time.Millisecond
)

// awaitFree refuses an address at which something listens already: a program that cannot
// listen there would be started again and again. What else may be wrong with an address is
// for the program to say.
func awaitFree(ctx context.Context, used []address) error {
	deadline := time.Now().Add(releasing)
	for _, a := range used {
		listener, err := net.Listen("tcp", a.text)
		for ; errors.Is(err, syscall.EADDRINUSE); listener, err = net.Listen("tcp", a.text) {
			if time.Now().After(deadline) {
				return exit.Unable(fmt.Errorf("%s: address already in use: %s; stop what listens there, or choose another %s", a.option, a.text, a.option))
			}
			if !rest(ctx, tryAgain) {
				return ctx.Err()
			}
		}
		if err == nil {
			defer listener.Close() // at the end: two options may name the same
		}
	}
	return nil
}
