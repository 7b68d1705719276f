package policy

import (
	"fmt"
	"strings"
)

// oneOf names what would have been accepted, and which of it was perhaps meant.
func oneOf(word string, candidates []string) string {
	known := strings.Join(candidates, ", ")
	if meant := closest(word, candidates); meant != "" {
		return fmt.Sprintf("did you mean %q? Known are: %s", meant, known)
	}
	return "known are: " + known
}

// closest is the candidate that differs from the word in case only, or in at
// most two letters; "" if there is none.
func closest(word string, candidates []string) string {
	best, distance := "", 3
	for _, candidate := range candidates {
		if d := editDistance(strings.ToLower(word), strings.ToLower(candidate)); d < distance && d < len(candidate) {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance counts the bytes to insert, remove and replace; for long words
// it does not look.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
