package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

// Markdown is the reference of all commands of a program: a list by category,
// then a section for each.
func Markdown(app *cli.App) string {
	var document strings.Builder
	commands := commandsOf(app.Name, app.Commands)
	writeContents(&document, commands)
	for _, c := range commands {
		c.writeMarkdown(&document)
	}
	return document.String()
}

// writeContents lists the commands below their categories.
func writeContents(document *strings.Builder, commands []command) {
	var categories []string
	rows, current := map[string][]string{}, ""
	for _, c := range commands {
		if c.category != "" { // commands below another one have none
			current = c.category
		}
		if !slices.Contains(categories, current) {
			categories = append(categories, current)
		}
		anchor := strings.ReplaceAll(c.path, " ", "-")
		rows[current] = append(rows[current], fmt.Sprintf("| [%s](#%s) | %s |\n", c.path, anchor, cell(c.usage)))
	}
	for _, category := range categories {
		fmt.Fprintf(document, "\n**%s**\n\n| command | use it to |\n|---|---|\n%s", category, strings.Join(rows[category], ""))
	}
}

func (c command) writeMarkdown(document *strings.Builder) {
	fmt.Fprintf(document, "\n## %s\n\n%s\n", c.path, prose(sentence(c.usage)))
	for _, line := range c.synopsis {
		fmt.Fprintf(document, "\n`%s`\n", line)
	}
	for _, b := range c.description {
		if b.literal {
			fmt.Fprintf(document, "\n    %s\n", strings.Join(b.lines, "\n    "))
			continue
		}
		fmt.Fprintf(document, "\n%s\n", prose(strings.Join(b.lines, "\n")))
	}
	if len(c.options) > 0 {
		document.WriteString("\n| option | default | meaning |\n|---|---|---|\n")
	}
	for _, option := range c.options {
		document.WriteString(optionRow(option))
	}
	if c.settings {
		document.WriteString("\nIt also takes all [settings](settings.md) of a worker.\n")
	}
}

func optionRow(option config.Option) string {
	names := make([]string, len(option.Names))
	for i, name := range option.Names {
		names[i] = "`" + strings.ReplaceAll(strings.TrimRight(name+" "+option.Value, " "), "|", `\|`) + "`"
	}
	for _, variable := range option.Variables {
		names = append(names, "`"+variable+"`")
	}
	fallback := strings.Trim(option.Default, `"`)
	if fallback != "" {
		fallback = "`" + fallback + "`"
	}
	return fmt.Sprintf("| %s | %s | %s |\n", strings.Join(names, "<br>"), fallback, cell(option.Meaning))
}

func cell(text string) string { return strings.ReplaceAll(prose(text), "|", `\|`) }

// prose is text in which no character has a meaning for Markdown.
func prose(text string) string { return escaper.Replace(text) }

var escaper = strings.NewReplacer(`\`, `\\`, "<", `\<`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "#", `\#`)
