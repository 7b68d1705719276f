package arguments

import (
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// The errors of the library about options. It writes them with one dash.
var (
	unknownOption = regexp.MustCompile(`^flag provided but not defined: -(.+)$`)
	lacksValue    = regexp.MustCompile(`^flag needs an argument: -(.+)$`)
	wrongValue    = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-(\S+): (.+)$`)
)

// OnUsageError rewrites the library's errors about options.
func OnUsageError(c *cli.Context, err error, _ bool) error {
	path, flags := "tagwatch", c.App.Flags
	if c.Command != nil && c.Command.HelpName != "" {
		path, flags = c.Command.HelpName, append(c.Command.Flags, flags...)
	}
	text := err.Error()
	if found := unknownOption.FindStringSubmatch(text); found != nil {
		return unknownOptionError(found[1], path, flags)
	}
	if found := lacksValue.FindStringSubmatch(text); found != nil {
		return exit.Usage("%s needs a value; see %s --help", config.Dashed(found[1]), path)
	}
	if found := wrongValue.FindStringSubmatch(text); found != nil {
		return exit.Usage("invalid value %s for %s: expected %s; see %s --help", found[1], config.Dashed(found[2]), valueWanted(session.FindFlag(flags, found[2])), path)
	}
	return exit.Usage("%s; see %s --help", text, path)
}

func unknownOptionError(name, path string, flags []cli.Flag) error {
	name = strings.TrimPrefix(name, "-")
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()[0])
	}
	if hint := otherOption(name, path, flags); hint != "" {
		return exit.Usage("unknown option %s; did you mean: %s", config.Dashed(name), hint)
	}
	if meant := Suggest(name, names); meant != "" && len(name) > 1 {
		return exit.Usage("unknown option %s; did you mean: %s", config.Dashed(name), config.Dashed(meant))
	}
	return exit.Usage("unknown option %s; see %s --help", config.Dashed(name), path)
}

func valueWanted(flag cli.Flag) string {
	switch flag.(type) {
	case *cli.DurationFlag:
		return "a duration such as 30s or 5m"
	case *cli.IntFlag, *cli.Int64Flag:
		return "a whole number"
	case *cli.Float64Flag:
		return "a number"
	case *cli.BoolFlag:
		return "true or false"
	}
	return "another value"
}
