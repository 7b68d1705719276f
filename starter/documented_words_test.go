package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"mvdan.cc/sh/v3/syntax"

	"github.com/tagwatch/tagwatch/starter/session"
)

// documented is a command in a document.
type documented struct {
	place string
	words []string
	part  bool // not to be run
}

var (
	codeBlock  = regexp.MustCompile("(?m)^```.*\n(?:.*\n)*?```$|(?:^    .*\n)+")
	inSentence = regexp.MustCompile("`(tagwatch(?:-worker)? [^`]+)`")
	typed      = regexp.MustCompile(`(?m)^ *(?:\$ )?((?:.*\\\n)*.*)$`)
	prompted   = regexp.MustCompile(`(?m)^ *\$ `)
	// mentions finds the lines to read as shell: others are output or configuration.
	mentions = regexp.MustCompile(`^(?:[A-Z_]+=\S* )*tagwatch(?:-worker)? |^(?:docker|kubectl) .* tagwatch [a-z]|\| *tagwatch |\(tagwatch `)
	// standsFor is a word to be replaced.
	standsFor = regexp.MustCompile(`^[A-Z]{2,}$|…|\.\.\.`)
)

// commandsIn finds the commands of a document.
func commandsIn(t *testing.T, path string) []documented {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	var found []documented
	for _, span := range codeBlock.FindAllStringIndex(text, -1) {
		found = append(found, inBlock(t, place(path, text, span[0]), text[span[0]:span[1]])...)
	}
	prose := codeBlock.ReplaceAllStringFunc(text, func(block string) string { return strings.Repeat("\n", strings.Count(block, "\n")) })
	for _, span := range inSentence.FindAllStringSubmatchIndex(prose, -1) {
		found = append(found, documented{place: place(path, prose, span[0]), words: strings.Fields(prose[span[2]:span[3]]), part: true})
	}
	return found
}

func place(path, text string, offset int) string {
	return fmt.Sprintf("%s:%d", path, strings.Count(text[:offset], "\n")+1)
}

// inBlock are the commands of a code block. If it has prompts, the other lines are
// output.
func inBlock(t *testing.T, place, block string) []documented {
	t.Helper()
	var found []documented
	withPrompts := prompted.MatchString(block)
	for _, line := range typed.FindAllStringSubmatch(block, -1) {
		if withPrompts && !prompted.MatchString(line[0]) || !mentions.MatchString(line[1]) {
			continue
		}
		for _, words := range shellCommands(t, place, line[1]) {
			found = append(found, documented{place: place, words: words, part: slices.ContainsFunc(words, standsFor.MatchString)})
		}
	}
	return found
}

// shellCommands are the words of the calls of Tagwatch in a line for a shell.
func shellCommands(t *testing.T, place, line string) [][]string {
	t.Helper()
	parsed, err := syntax.NewParser().Parse(strings.NewReader(line), place)
	if err != nil {
		t.Errorf("%s", err)
		return nil
	}
	var all [][]string
	syntax.Walk(parsed, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok {
			if words := ofTagwatch(call); len(words) > 1 {
				all = append(all, words)
			}
		}
		return true
	})
	return all
}

// ofTagwatch are the words of a call from the name of the program on: it is the
// first word, or follows what runs it in a container.
func ofTagwatch(call *syntax.CallExpr) []string {
	var words []string
	for _, word := range call.Args {
		words = append(words, literal(word.Parts))
	}
	begin := 0
	if len(words) > 0 && !strings.HasPrefix(words[0], "tagwatch") {
		begin = 1 + slices.IndexFunc(words, func(word string) bool { return word == "--" || word == "worker" })
		if begin == 0 || begin == len(words) || words[begin] != "tagwatch" {
			return nil
		}
	}
	return words[begin:]
}

// literal is a word without its quotes; what only a shell knows stands for something.
func literal(parts []syntax.WordPart) string {
	var text strings.Builder
	for _, part := range parts {
		switch part := part.(type) {
		case *syntax.Lit:
			text.WriteString(part.Value)
		case *syntax.SglQuoted:
			text.WriteString(part.Value)
		case *syntax.DblQuoted:
			text.WriteString(literal(part.Parts))
		default:
			return "VALUE"
		}
	}
	return text.String()
}

// named is a word that can only be a command where commands are possible.
var named = regexp.MustCompile(`^[a-z-]+$`)

// checkNames checks that the commands and options among the words exist.
func checkNames(app *cli.App, words []string) error {
	commands, flags := app.Commands, append(app.Flags, cli.HelpFlag, cli.VersionFlag)
	for i := 0; i < len(words); i++ {
		word := strings.Trim(words[i], "[]")
		name, _, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch {
		case strings.Contains(word, "|"):
			return nil // alternatives
		case strings.HasPrefix(word, "-") && name != "":
			option := session.FindFlag(flags, name)
			if option == nil {
				return fmt.Errorf("unknown option %s", word)
			}
			if described, ok := option.(cli.DocGenerationFlag); ok && described.TakesValue() && !valued {
				i++
			}
		case len(commands) > 0 && named.MatchString(word):
			next := commandNamed(commands, word)
			if next == nil {
				return fmt.Errorf("unknown command %s", word)
			}
			commands, flags = next.Subcommands, append(next.Flags, flags...)
		default:
			commands = nil
		}
	}
	return nil
}
