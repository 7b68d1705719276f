//go:build !(linux && amd64)

package process

import (
	"errors"
	"time"
)

// ShiftClock is written for Linux on amd64 only.
func ShiftClock(int, time.Duration) (restore func() error, err error) {
	return nil, errors.New("the clock of one process can be shifted on Linux with amd64 only")
}
