package main

import (
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// followPage runs the commands of a page of the documentation, the indented lines
// that begin with "$ ", and compares what they print: page FILE. Each line below a
// command must be part of its output; what else it prints is left to the commands'
// own tests. A command may answer no.
func followPage(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(args[0])
	ts.Check(err)
	commands, output, command := 0, "", ""
	for line := range strings.Lines(string(content)) {
		text, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		switch {
		case !indented:
			command = ""
		case strings.HasPrefix(text, "$ "):
			command = text
			words := wordsOf(strings.TrimPrefix(text, "$ "))
			_ = ts.Exec(words[0], words[1:]...)
			output = ts.ReadFile("stdout") + ts.ReadFile("stderr")
			commands++
		case command != "" && !strings.Contains(output, text):
			ts.Fatalf("%s\ndoes not print %q, but\n%s", command, text, output)
		}
	}
	if commands == 0 {
		ts.Fatalf("%s has no commands", args[0])
	}
}

// wordsOf splits a command as a shell does, with double quotes.
func wordsOf(command string) []string {
	var words []string
	for i, part := range strings.Split(command, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// savePage writes the first JSON document of a page to a file: example PAGE FILE.
func savePage(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(args[0])
	ts.Check(err)
	_, after, _ := strings.Cut(string(content), "```json\n")
	document, _, found := strings.Cut(after, "```")
	if !found {
		ts.Fatalf("%s has no JSON document", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(document), 0o600))
}
