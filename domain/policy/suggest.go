package policy

import (
	"fmt"
	"strings"

	"github.com/xrash/smetrics"
)

// oneOf names what would be accepted, and which of it may have been meant.
func oneOf(word string, candidates []string) string {
	accepted := strings.Join(candidates, ", ")
	if meant := closest(word, candidates); meant != "" {
		return fmt.Sprintf("did you mean %q? Expected one of: %s", meant, accepted)
	}
	return "expected one of: " + accepted
}

// longestCompared bounds the time that a comparison takes.
const longestCompared = 64

// closest is the candidate that differs from the word in case only, or in at most two
// letters; "" if there is none.
func closest(word string, candidates []string) string {
	best, distance := "", 3
	for _, candidate := range candidates {
		if len(word) > longestCompared || len(candidate) > longestCompared {
			continue
		}
		if d := smetrics.WagnerFischer(strings.ToLower(word), strings.ToLower(candidate), 1, 1, 1); d < distance && d < len(candidate) {
			best, distance = candidate, d
		}
	}
	return best
}
