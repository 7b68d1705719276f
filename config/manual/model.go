// Package manual writes what a command line says about itself as documents: a
// reference in Markdown, and manual pages.
package manual

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

// command is one command with all its names: tagwatch endpoint add.
type command struct {
	path, category, usage string
	synopsis              []string
	description           []block
	options               []config.Option
	settings              bool // it also takes all settings of a worker
}

// block is a paragraph of a description, or lines to show as they are.
type block struct {
	literal bool
	lines   []string
}

// commandsOf are the commands below a path, each followed by its own.
func commandsOf(path string, commands []*cli.Command) []command {
	var all []command
	for _, c := range commands {
		if c.Name == "help" {
			continue
		}
		one := command{path: path + " " + c.Name, category: c.Category, usage: c.Usage, description: blocks(c.Description)}
		one.synopsis = synopsis(one.path, c)
		one.options, one.settings = optionsOf(c.Flags)
		all = append(append(all, one), commandsOf(one.path, c.Subcommands)...)
	}
	return all
}

func synopsis(path string, c *cli.Command) []string {
	switch {
	case c.UsageText != "":
		var lines []string
		for line := range strings.Lines(c.UsageText) {
			lines = append(lines, strings.TrimSpace(line))
		}
		return lines
	case len(c.Subcommands) > 0:
		return []string{path + " COMMAND"}
	}
	return []string{path}
}

// optionsOf are a command's own options, and whether there are settings among its
// flags: these have categories.
func optionsOf(flags []cli.Flag) (own []config.Option, settings bool) {
	for _, f := range flags {
		if category(f) != "" {
			settings = true
			continue
		}
		if described, ok := f.(cli.DocGenerationFlag); ok && !slices.Contains(f.Names(), "help") {
			own = append(own, config.Describe(described))
		}
	}
	return own, settings
}

func category(f cli.Flag) string {
	if categorized, ok := f.(cli.CategorizableFlag); ok {
		return categorized.GetCategory()
	}
	return ""
}

// literalIndent marks the lines of a description that help shows as they are.
const literalIndent = "   "

// blocks splits a description at blank lines, and where literal lines begin or end.
func blocks(description string) []block {
	var all []block
	apart := true
	for line := range strings.Lines(description) {
		text := strings.TrimRight(line, " \n")
		if text == "" {
			apart = true
			continue
		}
		shown, literal := strings.CutPrefix(text, literalIndent)
		if apart || all[len(all)-1].literal != literal {
			all = append(all, block{literal: literal})
		}
		last := &all[len(all)-1]
		last.lines, apart = append(last.lines, shown), false
	}
	return all
}

// sentence is a usage with a capital and a full stop.
func sentence(usage string) string {
	return strings.ToUpper(usage[:1]) + strings.TrimSuffix(usage[1:], ".") + "."
}
