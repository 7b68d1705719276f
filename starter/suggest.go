package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// suggest is the command that a person may have meant; "" if none comes close.
func suggest(name string, commands []*cli.Command) string {
	nearest, best := 3, "" // two slips are a misspelling, three another word
	for _, c := range commands {
		if c.Name == "help" {
			continue
		}
		if strings.HasPrefix(c.Name, name) {
			return c.Name
		}
		if d := distance(name, c.Name); d < nearest {
			nearest, best = d, c.Name
		}
	}
	return best
}

// distance is how many letters must be added, removed or replaced to make one
// word of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
