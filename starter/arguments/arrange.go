package arguments

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/session"
)

// Arrange puts options before arguments, where the flag package wants them, so
// that people can write them in any order; options of the program itself may
// follow the command too.
func Arrange(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	a := arrangement{commands: app.Commands, global: app.Flags}
	for rest := args[1:]; len(rest) > 0; {
		rest = rest[a.take(rest):]
	}
	a.askForHelp()
	return slices.Concat(args[:1], a.globals, a.path, a.options, a.arguments)
}

// askForHelp turns "help A B" into "A B --help". Words that are not commands stay and are
// rejected later.
func (a *arrangement) askForHelp() {
	if !a.help || len(a.arguments) > 0 && (a.command == nil || len(a.command.Subcommands) > 0) {
		return
	}
	a.options, a.arguments = []string{"--help"}, nil
}

type arrangement struct {
	commands      []*cli.Command // that the next word may name
	global, local []cli.Flag
	command       *cli.Command // the last one of the path
	help          bool         // the word "help" stands for a command
	// What was found so far.
	globals, path, options, arguments []string
}

// take sorts the first word, with its value if it has one, and returns how many words it
// took.
func (a *arrangement) take(words []string) int {
	word := words[0]
	switch {
	case word == "--":
		a.arguments = append(a.arguments, words...)
		return len(words)
	case strings.HasPrefix(word, "-") && word != "-":
		return a.takeOption(words)
	}
	if i := slices.IndexFunc(a.commands, func(c *cli.Command) bool { return c.HasName(word) }); i >= 0 {
		a.path = append(a.path, word)
		a.command = a.commands[i]
		a.commands, a.local = a.command.Subcommands, a.command.Flags
		return 1
	}
	if word == "help" && len(a.commands) > 0 {
		a.help = true
		return 1
	}
	a.commands = nil
	a.arguments = append(a.arguments, word)
	return 1
}

func (a *arrangement) takeOption(words []string) int {
	name, _, valued := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
	into, option := &a.options, session.FindFlag(a.local, name)
	if option == nil {
		option = session.FindFlag(a.global, name)
		switch {
		case option != nil, len(a.path) == 0 && len(a.arguments) == 0:
			into = &a.globals
		case len(a.path) == 0:
			into = &a.arguments // of a command that does not exist
		}
	}
	count := 1
	if described, ok := option.(cli.DocGenerationFlag); ok && described.TakesValue() && !valued {
		count = min(2, len(words))
		if len(words) == 1 {
			a.lackValue(into)
		}
	}
	*into = append(*into, words[:count]...)
	return count
}

// lackValue drops what would follow the last option and become the value that it lacks.
func (a *arrangement) lackValue(into *[]string) {
	a.arguments = nil
	if into == &a.globals {
		a.path, a.options = nil, nil
	}
}
