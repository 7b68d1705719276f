package notification

import (
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// Limits of a summary, which people read in chats and lists.
const (
	maxNamed = 3  // names of a list
	maxName  = 60 // characters of a name
)

// named are the first names of a list, behind a colon: ": a, b, c and 2 more".
// Names that come several times count once.
func named(names []string) string {
	seen, first := map[string]bool{}, []string{}
	for _, name := range names {
		if !seen[name] && len(first) < maxNamed {
			first = append(first, plain.Truncate(maxName, name))
		}
		seen[name] = true
	}
	if len(first) == 0 {
		return ""
	}
	line := ": " + strings.Join(first, ", ")
	if more := len(seen) - len(first); more > 0 {
		line += fmt.Sprintf(" and %d more", more)
	}
	return line
}
