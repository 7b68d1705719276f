package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// TestUsageErrors holds the words for each of the library's complaints: a new
// version of it that says otherwise is noticed here.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"misspelt", []string{"subscribe", "--intervall", "1m", "nginx"}, "unknown option --intervall; did you mean: --interval"},
		{"cut short", []string{"subscribe", "--min", "high", "nginx"}, "unknown option --min; did you mean: --min-severity"},
		{"of the program", []string{"status", "--data-dirs", "x"}, "unknown option --data-dirs; did you mean: --data-dir"},
		{"of kubectl", []string{"status", "--json"}, "unknown option --json; did you mean: -o json"},
		{"of docker", []string{"endpoint", "list", "--format", "json"}, "unknown option --format; did you mean: --output"},
		{"of tail", []string{"deliveries", "-f"}, "unknown option -f; did you mean: --watch"},
		{"a file", []string{"subscribe", "-f", "tags.txt"}, "unknown option -f; did you mean: tagwatch subscribe - < FILE"},
		{"of curl", []string{"status", "-v"}, "unknown option -v; did you mean: --log-level debug"},
		{"one letter", []string{"status", "-x"}, "unknown option -x; see tagwatch status --help"},
		{"unlike any", []string{"status", "--colour"}, "unknown option --colour; see tagwatch status --help"},
		{"without a value", []string{"subscribe", "nginx", "--type"}, "--type needs a value; see tagwatch subscribe --help"},
		{"of the program, without a value", []string{"status", "--data-dir"}, "--data-dir needs a value; see tagwatch --help"},
		{"no time", []string{"subscribe", "nginx", "--interval", "5"}, `invalid value "5" for --interval: expected a duration such as 30s or 5m; see tagwatch subscribe --help`},
		{"no number", []string{"deliveries", "--limit", "ten"}, `invalid value "ten" for --limit: expected a whole number; see tagwatch deliveries --help`},
		{"no fraction", []string{"subscribe", "nginx", "--epss", "high"}, `invalid value "high" for --epss: expected a number; see tagwatch subscribe --help`},
		{"no truth", []string{"subscribe", "nginx", "--wait=maybe"}, `invalid value "maybe" for --wait: expected true or false; see tagwatch subscribe --help`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), append([]string{"tagwatch"}, test.args...))
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if code := exit.Code(err); code != 2 {
				t.Errorf("%v has exit code %d, want 2", err, code)
			}
		})
	}
}

func TestSuggestCommand(t *testing.T) {
	t.Parallel()
	commands := newApp().Commands
	endpoints := commandNamed(commands, "endpoint").Subcommands
	for _, test := range []struct {
		given string
		of    []*cli.Command
		want  string
	}{
		{"subscrib", commands, "subscribe"},
		{"staus", commands, "status"},
		{"noti", commands, "notifications"},
		{"ls", commands, "status"},
		{"list", commands, "status"},
		{"watch", commands, "subscribe"},
		{"rm", commands, "unsubscribe"},
		{"webhook", commands, "endpoint"},
		{"rm", endpoints, "delete"},
		{"create", endpoints, "add"},
		{"xy", commands, ""},
		{"frobnicate", commands, ""},
	} {
		t.Run(test.given, func(t *testing.T) {
			t.Parallel()
			if got := arguments.SuggestCommand(test.given, test.of); got != test.want {
				t.Errorf("suggested %q for %q, want %q", got, test.given, test.want)
			}
		})
	}
}

// TestVerbBeforeNoun: who knows another program finds the command here.
func TestVerbBeforeNoun(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"get endpoints": "tagwatch endpoint list", "describe endpoint ops": "tagwatch endpoint show", "delete endpoint ops": "tagwatch endpoint delete",
		"rm repository": "tagwatch repository unwatch", "ls policies": "tagwatch policy list", "get subscriptions": "tagwatch subscriptions",
		"list tags": "tagwatch status", "add endpoint": "tagwatch endpoint add", "get nginx:1.27": "tagwatch status", "describe nginx:1.27": "tagwatch status",
		"update feed": "tagwatch feed sync",
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(typed)
			err := run(t.Context(), append([]string{"tagwatch"}, words...))
			if err == nil || err.Error() != fmt.Sprintf("unknown command %q; did you mean: %s", "tagwatch "+words[0], want) {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

// TestEveryHelpHasExamples that begin with the command.
func TestEveryHelpHasExamples(t *testing.T) {
	t.Parallel()
	app := newApp()
	app.Setup()
	var check func(path string, commands []*cli.Command)
	check = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			name := path + " " + c.Name
			if c.Name == "help" {
				continue
			}
			if !strings.Contains(c.Description, "   "+name) && !strings.Contains(c.Description, "("+name) {
				t.Errorf("%s: no example in\n%s", name, c.Description)
			}
			check(name, c.Subcommands)
		}
	}
	check("tagwatch", app.Commands)
}

func commandNamed(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}
