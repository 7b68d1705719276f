package config

import (
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func TestDescribeFlag(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		flag cli.Flag
		want string
	}{
		{"a switch", &cli.BoolFlag{Name: "wait", Aliases: []string{"w"}, Usage: "wait"}, "--wait, -w\twait"},
		{"repeatable", &cli.StringSliceFlag{Name: "type", Aliases: []string{"t"}, Usage: "`type` of it"}, "--type, -t type\ttype of it"},
		{"no number", &cli.IntFlag{Name: "newest", Usage: "the newest `N`"}, "--newest N\tthe newest N"},
		{"a number", &cli.IntFlag{Name: "limit", Value: 50, Usage: "at most"}, "--limit value\tat most (default: 50)"},
		{"no time", &cli.DurationFlag{Name: "debounce", Usage: "hold back"}, "--debounce value\thold back"},
		{"hours", &cli.DurationFlag{Name: "window", Value: 75 * time.Hour, Usage: "how long"}, "--window value\thow long (default: 75h)"},
		{"minutes", &cli.DurationFlag{Name: "poll", Value: 90 * time.Minute, Usage: "how often"}, "--poll value\thow often (default: 1h30m)"},
		{"words", &cli.DurationFlag{Name: "interval", DefaultText: "the worker's", Usage: "how often"}, "--interval value\thow often (default: the worker's)"},
		{"a variable", &cli.StringFlag{Name: "listen", Value: "x:1", EnvVars: []string{"LISTEN"}, Usage: "`address`"}, "--listen address\taddress (default: \"x:1\") [$LISTEN]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := describeFlag(test.flag); got != test.want {
				t.Errorf("described as %q, want %q", got, test.want)
			}
		})
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	long := "   --subject pattern   " + strings.TrimSpace(strings.Repeat("word ", 20))
	for _, test := range []struct {
		name, line string
		width      int
		want       string
	}{
		{"short enough", "   --wait  wait until done", 80, "   --wait  wait until done"},
		{"no list", "   a line without a gap that is longer than the width", 20, "   a line without a gap that is longer than the width"},
		{"hanging", long, 63, "   --subject pattern   " + words(8) + "\n" + strings.Repeat(" ", 23) + words(8) + "\n" + strings.Repeat(" ", 23) + words(4)},
		{"below", long, 40, "   --subject pattern\n        " + words(6) + "\n        " + words(6) + "\n        " + words(6) + "\n        " + words(2)},
		{"a word too long", "   -x  " + strings.Repeat("y", 90) + " z", 60, "   -x  " + strings.Repeat("y", 90) + "\n       z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := fold(test.line, test.width); got != test.want {
				t.Errorf("folded to\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func words(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }
