package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// helpWidth is the length of a line of help if the output is not a terminal.
const helpWidth = 100

// libraryHelp is the library's function that prints help; printHelp wraps it.
var libraryHelp = cli.HelpPrinter

// ShapeHelp makes the help of a program fit its terminal. Call it before parsing
// the command line.
func ShapeHelp() { cli.FlagStringer, cli.HelpPrinter = describeFlag, printHelp }

// Option is what a command line says about one of its options.
type Option struct {
	Names     []string // with their dashes
	Value     string   // the word for its value; empty for an option without one
	Meaning   string
	Default   string // empty if it only means "not given"
	Variables []string
}

// Describe returns the description of an option.
func Describe(flag cli.DocGenerationFlag) Option {
	value, meaning := valueName(flag)
	described := Option{Value: value, Meaning: meaning, Default: defaultWords(flag), Variables: flag.GetEnvVars()}
	for _, name := range flag.(cli.Flag).Names() {
		described.Names = append(described.Names, Dashed(name))
	}
	return described
}

// describeFlag is an option's line in the help: names and value, a tab, its
// meaning.
func describeFlag(flag cli.Flag) string {
	documented, ok := flag.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	option := Describe(documented)
	line := strings.TrimRight(strings.Join(option.Names, ", ")+" "+option.Value, " ") + "\t" + option.Meaning
	if option.Default != "" {
		line += " (default: " + option.Default + ")"
	}
	if len(option.Variables) > 0 {
		line += " [$" + strings.Join(option.Variables, ", $") + "]"
	}
	return line
}

// Dashed is an option as people write it.
func Dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

var inBackquotes = regexp.MustCompile("`([^`]+)`")

// valueName is the word that the usage puts in backquotes, and the usage without
// them.
func valueName(flag cli.DocGenerationFlag) (name, meaning string) {
	usage := flag.GetUsage()
	if !flag.TakesValue() {
		return "", usage
	}
	if found := inBackquotes.FindStringSubmatch(usage); found != nil {
		return found[1], strings.Replace(usage, found[0], found[1], 1)
	}
	return "value", usage
}

// zeroUnits are the ends of a duration that say nothing: 75h0m0s is 75h.
var zeroUnits = regexp.MustCompile(`([hm])(?:0m)?0s$`)

// defaultWords is the default of an option; none if it only means "not given".
func defaultWords(flag cli.DocGenerationFlag) string {
	text := flag.GetDefaultText()
	if _, is := flag.(*cli.BoolFlag); is || text == "0" || text == "0s" || text == `""` {
		return ""
	}
	return zeroUnits.ReplaceAllString(text, "$1")
}

// printHelp folds the lists of options and commands to the width of the terminal.
func printHelp(w io.Writer, template string, data any) {
	var whole bytes.Buffer
	libraryHelp(&whole, template, data)
	width, listing := terminalWidth(w), false
	for line := range strings.Lines(whole.String()) {
		line = strings.TrimRight(line, " \n")
		if line != "" && line[0] != ' ' {
			listing = strings.HasSuffix(line, "OPTIONS:") || line == "COMMANDS:"
		}
		if listing {
			line = fold(line, width)
		}
		fmt.Fprintln(w, line)
	}
}

// entry is a line of a list: a name, a gap, and its description.
var entry = regexp.MustCompile(`^( +\S.*?)(  +)(\S.*)$`)

// leastText is the least width of the right column of a list; if there is less
// room, it goes below the left column.
const leastText = 30

// fold wraps the right column of a list, so that no line is longer than width.
func fold(line string, width int) string {
	found := entry.FindStringSubmatch(line)
	if found == nil || len(line) <= width {
		return line
	}
	left, indent := found[1]+found[2], len(found[1])+len(found[2])
	if width-indent < leastText {
		left, indent = found[1]+"\n"+strings.Repeat(" ", 8), 8
	}
	return left + wrap(found[3], max(width-indent, leastText), "\n"+strings.Repeat(" ", indent))
}

// wrap breaks text between words into lines that are no longer than width, if
// the words allow.
func wrap(text string, width int, newline string) string {
	var wrapped strings.Builder
	room := width
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case len(word)+1 > room:
			wrapped.WriteString(newline)
			room = width
		default:
			wrapped.WriteByte(' ')
			room--
		}
		wrapped.WriteString(word)
		room -= len(word)
	}
	return wrapped.String()
}

// terminalWidth is the width of the terminal w, or that of COLUMNS.
func terminalWidth(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	return helpWidth
}
