package arguments

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// otherWords are how other programs call what commands do here, the likeliest
// first.
var otherWords = map[string][]string{
	"ls": {"list", "status"}, "list": {"status"}, "tags": {"status"}, "ps": {"status"}, "get": {"show", "status"},
	"watch": {"subscribe"}, "add": {"subscribe"}, "create": {"add"}, "set": {"add"}, "new": {"add"},
	"rm": {"delete", "unwatch", "unsubscribe"}, "remove": {"delete", "unwatch", "unsubscribe"}, "delete": {"unwatch", "unsubscribe"},
	"unwatch": {"unsubscribe"}, "scan": {"rescan"}, "check": {"rescan"}, "refresh": {"rescan"}, "analyze": {"rescan"},
	"webhook": {"endpoint"}, "webhooks": {"endpoint"}, "events": {"notifications"}, "logs": {"notifications"}, "cve": {"affected"},
	"bundle": {"policy"}, "db": {"feed"}, "update": {"sync", "feed"}, "start": {"up"}, "serve": {"up"}, "server": {"up"},
}

// SuggestCommand is the command that a person may have meant; "" if none comes
// close.
func SuggestCommand(name string, commands []*cli.Command) string {
	var names []string
	for _, c := range commands {
		if c.Name != "help" {
			names = append(names, c.Name)
		}
	}
	for _, word := range otherWords[name] {
		if slices.Contains(names, word) {
			return word
		}
	}
	return Suggest(name, names)
}

// Suggest is the name that a person may have meant; "" if none comes close.
func Suggest(name string, names []string) string {
	// Two slips are a misspelling, three another word, as is half of a short one.
	nearest, best := min(3, 1+len(name)/2), ""
	for _, each := range names {
		if strings.HasPrefix(each, name) {
			return each
		}
		if d := distance(name, each); d < nearest {
			nearest, best = d, each
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
