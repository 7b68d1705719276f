package arguments

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// TimeToCome reads a date, a time or a number of days from now.
func TimeToCome(text string, now time.Time) (end time.Time, err error) {
	switch days, isDays := strings.CutSuffix(text, "d"); {
	case isDays:
		var number int
		number, err = strconv.Atoi(days)
		end = now.AddDate(0, 0, number)
	case len(text) == len(time.DateOnly):
		end, err = time.Parse(time.DateOnly, text)
	default:
		end, err = time.Parse(time.RFC3339, text)
	}
	if err == nil && !end.After(now) {
		err = errPast
	}
	return end.UTC().Truncate(time.Second), err
}

var errPast = errors.New("it has passed")
