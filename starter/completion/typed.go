package completion

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/session"
)

// completionFlag is appended by shells to get completions. The word before it is the one to
// complete, "" for a new one.
const completionFlag = "--generate-bash-completion"

func Requested(args []string) bool { return len(args) > 0 && args[len(args)-1] == completionFlag }

// completeTimeout bounds what a person waits for after a press of a key.
const completeTimeout = 2 * time.Second

// Offer prints what the last word may become, one a line. It runs no command.
func Offer(ctx context.Context, w io.Writer, app *cli.App, words []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	before, current := words[:len(words)-1], words[len(words)-1]
	line := &typed{known: app.Commands, flags: app.Flags, app: app, given: map[string]string{}}
	for _, word := range before {
		line.take(word)
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	for _, candidate := range line.candidates(ctx, current) {
		if strings.HasPrefix(candidate, current) {
			fmt.Fprintln(w, candidate)
		}
	}
}

// typed is a command line as far as it was typed.
type typed struct {
	app       *cli.App
	path      []string       // of the command
	known     []*cli.Command // that the next word may name
	flags     []cli.Flag
	arguments int
	ended     bool     // by --: no more options
	valued    cli.Flag // whose value is next; nil for none
	given     map[string]string
}

func (l *typed) take(word string) {
	switch {
	case l.valued != nil:
		l.given[l.valued.Names()[0]], l.valued = word, nil
	case l.ended:
		l.arguments++
	case word == "--":
		l.ended, l.known = true, nil
	case strings.HasPrefix(word, "-") && word != "-":
		l.takeOption(word)
	default:
		l.takeWord(word)
	}
}

func (l *typed) takeOption(word string) {
	name, value, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
	option := l.option(name)
	described, ok := option.(cli.DocGenerationFlag)
	if !ok || !described.TakesValue() {
		return
	}
	if valued {
		l.given[option.Names()[0]] = value
		return
	}
	l.valued = option
}

// option is the command's own, or one of the program.
func (l *typed) option(name string) cli.Flag {
	if own := session.FindFlag(l.flags, name); own != nil {
		return own
	}
	return session.FindFlag(l.app.Flags, name)
}

func (l *typed) takeWord(word string) {
	if i := slices.IndexFunc(l.known, func(c *cli.Command) bool { return c.HasName(word) }); i >= 0 {
		l.path = append(l.path, l.known[i].Name)
		l.known, l.flags = l.known[i].Subcommands, l.known[i].Flags
		return
	}
	l.known = nil
	l.arguments++
}

// candidates are what may stand in place of the current word.
func (l *typed) candidates(ctx context.Context, current string) []string {
	switch {
	case l.valued != nil:
		return l.listed(current, l.values(ctx, l.valued))
	case strings.HasPrefix(current, "-") && !l.ended:
		return l.options()
	case len(l.known) > 0:
		return commandNames(l.known)
	}
	return l.operands(ctx, current)
}

func (l *typed) options() []string {
	names := []string{}
	for _, f := range l.flags {
		names = append(names, config.Dashed(f.Names()[0]))
	}
	return append(names, "--help")
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		if c.Name != "help" {
			names = append(names, c.Name)
		}
	}
	return names
}

// listed are values behind those of a list with commas that were typed already.
func (l *typed) listed(current string, values []string) []string {
	i := strings.LastIndex(current, ",")
	if i < 0 {
		return values
	}
	for j, value := range values {
		values[j] = current[:i+1] + value
	}
	return values
}

// system is what the command would work on: its server, or the database as it is, which is
// not created. Nil if there is nothing to offer, and nowhere to report it.
func (l *typed) system(ctx context.Context) (system *operations.System, done func()) {
	login, err := session.ChooseServer(session.Login{Server: l.setting("server"), CAFile: l.setting("server-ca-file")}, l.isSet)
	if err != nil {
		return nil, nil
	}
	system = &operations.System{Now: time.Now().UTC(), Scope: token.Admin}
	if login.Server != "" {
		system.Remote, err = session.Connect(login, "tagwatch/"+l.app.Version)
		if err != nil {
			return nil, nil
		}
		return system, func() {}
	}
	settings := config.Config{DataDir: l.setting("data-dir"), DatabaseURL: l.setting("database-url")}
	kept, _, err := store.Peek(ctx, settings.Database())
	if err != nil {
		return nil, nil
	}
	system.Store = func(context.Context) (*store.Store, error) { return kept, nil }
	return system, func() { _ = kept.Close() } // nothing was written
}

// isSet reports whether an option of the program is typed, or its variable is set.
func (l *typed) isSet(name string) bool {
	_, given := l.given[name]
	option, ok := session.FindFlag(l.app.Flags, name).(*cli.StringFlag)
	return given || ok && slices.ContainsFunc(option.EnvVars, func(variable string) bool {
		_, set := os.LookupEnv(variable)
		return set
	})
}

// setting is an option of the program: as typed, from its variable, or by
// default.
func (l *typed) setting(name string) string {
	if value, ok := l.given[name]; ok {
		return value
	}
	option, ok := session.FindFlag(l.app.Flags, name).(*cli.StringFlag)
	if !ok {
		return ""
	}
	return fromEnvironment(option.EnvVars, option.Value)
}
