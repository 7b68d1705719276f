package manual

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
)

// Page is the manual page of a program, for man(1). It names the other programs
// that belong to it.
func Page(app *cli.App, others ...string) string {
	var page strings.Builder
	fmt.Fprintf(&page, ".TH %s 1 \"\" %s %s\n", strings.ToUpper(app.Name), quoted("Tagwatch "+app.Version), quoted("Tagwatch Manual"))
	fmt.Fprintf(&page, ".SH NAME\n%s \\- %s\n", roff(app.Name), roff(app.Usage))
	fmt.Fprintf(&page, ".SH SYNOPSIS\n%s\n", bold(appSynopsis(app)))
	page.WriteString(".SH DESCRIPTION\n")
	writeBlocks(&page, blocks(app.Description))
	page.WriteString(".SH OPTIONS\n")
	writeSettings(&page, app.Flags)
	page.WriteString(".SH COMMANDS\n")
	for _, c := range commandsOf(app.Name, app.Commands) {
		c.writePage(&page)
	}
	page.WriteString(".SH SEE ALSO\n")
	for i, other := range others {
		fmt.Fprintf(&page, ".BR %s (1)%s\n", roff(other), separator(i, len(others)))
	}
	return page.String()
}

func separator(i, count int) string {
	if i < count-1 {
		return " ,"
	}
	return ""
}

func appSynopsis(app *cli.App) string {
	if app.UsageText != "" {
		return app.UsageText
	}
	return app.Name + " [options]"
}

// writeSettings writes options below their categories.
func writeSettings(page *strings.Builder, flags []cli.Flag) {
	current := ""
	for _, f := range flags {
		described, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		if next := category(f); next != current {
			current = next
			fmt.Fprintf(page, ".SS %s\n", quoted(next))
		}
		writeOption(page, config.Describe(described))
	}
}

func (c command) writePage(page *strings.Builder) {
	fmt.Fprintf(page, ".SS %s\n%s\n", quoted(c.path), roff(sentence(c.usage)))
	for _, line := range c.synopsis {
		fmt.Fprintf(page, ".PP\n%s\n", bold(line))
	}
	writeBlocks(page, c.description)
	for _, option := range c.options {
		writeOption(page, option)
	}
	if c.settings {
		page.WriteString(".PP\nIt also takes all options of\n.BR tagwatch\\-worker (1).\n")
	}
}

func writeBlocks(page *strings.Builder, all []block) {
	for _, b := range all {
		if b.literal {
			fmt.Fprintf(page, ".PP\n.RS 4\n.nf\n%s\n.fi\n.RE\n", lines(b.lines))
			continue
		}
		fmt.Fprintf(page, ".PP\n%s\n", lines(b.lines))
	}
}

func writeOption(page *strings.Builder, option config.Option) {
	names := make([]string, len(option.Names))
	for i, name := range option.Names {
		names[i] = bold(name)
	}
	head := strings.Join(names, ", ")
	if option.Value != "" {
		head += ` \fI` + roff(option.Value) + `\fR`
	}
	meaning := option.Meaning
	if option.Default != "" {
		meaning += " (default: " + option.Default + ")"
	}
	fmt.Fprintf(page, ".TP\n%s\n%s\n", head, roff(sentence(meaning)))
	if len(option.Variables) > 0 {
		fmt.Fprintf(page, ".br\nEnvironment: %s\n", roff(strings.Join(option.Variables, ", ")))
	}
}

func bold(text string) string { return `\fB` + roff(text) + `\fR` }

// quoted is text as one argument of a macro.
func quoted(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }

func lines(all []string) string {
	escaped := make([]string, len(all))
	for i, line := range all {
		escaped[i] = roff(line)
	}
	return strings.Join(escaped, "\n")
}

// roff is text in which no character has a meaning for troff.
func roff(text string) string {
	text = roffEscaper.Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}

var roffEscaper = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)
