package arguments

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"github.com/tagwatch/tagwatch/starter/session"
)

// otherWords are the commands of other programs with ours, the likeliest first.
var otherWords = map[string][]string{
	"ls": {"list", "status"}, "list": {"list", "status"}, "tags": {"status"}, "ps": {"status"}, "get": {"show", "list", "status"}, "describe": {"show", "describe", "status"}, "show": {"status"},
	"watch": {"subscribe"}, "add": {"subscribe"}, "create": {"add"}, "set": {"add"}, "new": {"add"},
	"rm": {"delete", "unwatch", "unsubscribe"}, "remove": {"delete", "unwatch", "unsubscribe"}, "delete": {"unwatch", "unsubscribe"},
	"unwatch": {"unsubscribe"}, "scan": {"rescan"}, "check": {"rescan"}, "refresh": {"rescan"}, "analyze": {"rescan"},
	"webhook": {"endpoint"}, "webhooks": {"endpoint"}, "events": {"notifications"}, "logs": {"notifications"}, "cve": {"affected"},
	"bundle": {"policy"}, "db": {"feed"}, "update": {"sync", "feed"}, "start": {"up"}, "serve": {"up"}, "server": {"up"},
}

// hint replaces an option of another program, if the command has the option that it needs.
type hint struct{ needs, text string }

// otherOptions are the options of other programs with ours, the likeliest first.
var otherOptions = map[string][]hint{
	"json": {{"output", "-o json"}}, "yaml": {{"output", "-o yaml"}}, "csv": {{"output", "-o csv"}}, "wide": {{"output", "-o wide"}},
	"ojson": {{"output", "-o json"}}, "oyaml": {{"output", "-o yaml"}}, "format": {{"output", "--output"}}, "output-format": {{"output", "--output"}},
	"no-trunc": {{"output", "-o wide"}}, "no-headers": {{"quiet", "--quiet"}}, "names": {{"quiet", "--quiet"}}, "name-only": {{"quiet", "--quiet"}},
	"f": {{"follow", "--follow"}, {"watch", "--watch"}}, "follow": {{"watch", "--watch"}}, "w": {{"watch", "--watch"}, {"follow", "--follow"}},
	"watch": {{"follow", "--follow"}}, "filename": {}, "file": {},
	"n": {{"limit", "--limit"}}, "tail": {{"limit", "--limit"}}, "max": {{"limit", "--limit"}},
	"v": {{"log-level", "--log-level debug"}}, "verbose": {{"log-level", "--log-level debug"}}, "debug": {{"log-level", "--log-level debug"}},
	"update": {{"replace", "--replace"}}, "overwrite": {{"replace", "--replace"}}, "force": {{"replace", "--replace"}},
}

// otherOption suggests our option for one of another program; "" if that is not clear.
func otherOption(name, path string, flags []cli.Flag) string {
	hints, known := otherOptions[name]
	for _, h := range hints {
		if session.FindFlag(flags, h.needs) != nil {
			return h.text
		}
	}
	if known && slices.Contains([]string{"f", "file", "filename"}, name) && slices.Contains(readsReferences, path) {
		return path + " - < FILE"
	}
	return ""
}

// readsReferences are the commands that take - for standard input.
var readsReferences = []string{"tagwatch subscribe", "tagwatch unsubscribe", "tagwatch rescan"}

// SuggestTurned suggests the command for a verb before a noun, as in "get endpoints"; "" for
// none.
func SuggestTurned(words []string, commands []*cli.Command) string {
	if len(words) < 2 || otherWords[words[0]] == nil && !slices.Contains([]string{"show", "test", "sync"}, words[0]) {
		return ""
	}
	singular := strings.TrimSuffix(words[1], "s")
	if stem, found := strings.CutSuffix(words[1], "ies"); found {
		singular = stem + "y"
	}
	i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[1]) || c.HasName(singular) })
	if i < 0 {
		return ""
	}
	noun := commands[i]
	if words[1] != singular && slices.Contains(otherWords[words[0]], "list") && commandIn(noun.Subcommands, "list") {
		return noun.Name + " list"
	}
	if verb := SuggestCommand(words[0], noun.Subcommands); verb != "" {
		return noun.Name + " " + verb
	}
	return noun.Name
}

func commandIn(commands []*cli.Command, name string) bool {
	return slices.ContainsFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
}

// SuggestCommand suggests a command; "" if none is close.
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

// Suggest suggests a name; "" if none is close.
func Suggest(name string, names []string) string {
	// Two slips are a misspelling, three another word, as is half of a short one.
	nearest, best := min(3, 1+len(name)/2), ""
	for _, each := range names {
		if strings.HasPrefix(each, name) {
			return each
		}
		if d := smetrics.WagnerFischer(name, each, 1, 1, 1); d < nearest {
			nearest, best = d, each
		}
	}
	return best
}
