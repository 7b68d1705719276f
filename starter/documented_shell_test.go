package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// plain are programs and builtins of a shell that only prepare or show something.
var plain = []string{"cat", "cd", "cp", "echo", "export", "jq", "man", "mkdir", "source", "test", "umask"}

// marked finds what stands before a code block that no test of this package can run:
// "<!-- example -->", or "<!-- run by TestName -->".
var marked = regexp.MustCompile(`<!-- (example|run by (Test\w+)) -->\n*$`)

// TestDocumentedShell: each command in a code block is run by a test or checked, or its
// block is marked. Blocks that are not for a shell name their language.
func TestDocumentedShell(t *testing.T) {
	t.Parallel()
	tests := testsOfRepository(t)
	for _, document := range documents(t) {
		content, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		for _, span := range codeBlock.FindAllStringIndex(text, -1) {
			block, where := text[span[0]:span[1]], place(document, text, span[0])
			if !strings.HasPrefix(block, "```") && !strings.HasSuffix(text[:span[0]], "\n\n") && !marked.MatchString(text[:span[0]]) {
				continue // the next line of a list's item
			}
			commands, err := forShell(block)
			if err != nil {
				t.Errorf("%s: it is no language that a shell reads; begin the block with ```text, or name its language: %v", where, err)
			}
			mark := marked.FindStringSubmatch(text[:span[0]])
			if mark != nil && mark[2] != "" && !tests[mark[2]] {
				t.Errorf("%s: there is no test %s", where, mark[2])
			}
			var notRun []string
			for _, command := range commands {
				if err := checkCommand(t, command); errors.Is(err, errNotRun) {
					notRun = append(notRun, strings.Join(command, " "))
				} else if err != nil {
					t.Errorf("%s: %s: %v", where, strings.Join(command, " "), err)
				}
			}
			switch {
			case mark == nil && len(notRun) > 0:
				t.Errorf("%s: %v: %s", where, errNotRun, strings.Join(notRun, "; "))
			case mark != nil && len(notRun) == 0:
				t.Errorf("%s: the mark is not needed", where)
			}
		}
	}
}

// testsOfRepository are the names of all tests.
func testsOfRepository(t *testing.T) map[string]bool {
	t.Helper()
	declared, names := regexp.MustCompile(`(?m)^func (Test\w+)\(`), map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, name := range declared.FindAllSubmatch(content, -1) {
			names[string(name[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// forShell are the commands of a code block: none if it names another language. If it
// has prompts, the other lines are output.
func forShell(block string) ([][]string, error) {
	first, rest, _ := strings.Cut(block, "\n")
	if language, fenced := strings.CutPrefix(first, "```"); fenced {
		if language != "" && language != "sh" {
			return nil, nil
		}
		block = strings.TrimSuffix(rest, "```")
	}
	if prompted.MatchString(block) {
		var typed []string
		for _, line := range strings.Split(block, "\n") {
			if command, found := strings.CutPrefix(strings.TrimSpace(line), "$ "); found {
				typed = append(typed, command)
			}
		}
		block = strings.Join(typed, "\n")
	}
	parsed, err := syntax.NewParser().Parse(strings.NewReader(block), "")
	if err != nil {
		return nil, err
	}
	var commands [][]string
	syntax.Walk(parsed, func(node syntax.Node) bool {
		if pipe, ok := node.(*syntax.BinaryCmd); ok && (pipe.Op == syntax.Pipe) {
			for _, side := range []*syntax.Stmt{pipe.X, pipe.Y} {
				if ofProgram.MatchString(block[side.Pos().Offset():side.End().Offset()]) {
					commands = append(commands, []string{"tagwatch"}) // the other side carries what it reads or prints
					return false
				}
			}
		}
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		var words []string
		for _, word := range call.Args {
			words = append(words, block[word.Pos().Offset():word.End().Offset()])
		}
		commands = append(commands, words)
		return true
	})
	return commands, nil
}

// ofProgram matches a command of Tagwatch.
var ofProgram = regexp.MustCompile(`^tagwatch(-worker)? `)

var errNotRun = errors.New("no test runs it; mark the block, if it is an example, by <!-- example --> on the line before it")

// checkCommand is an error if a command is wrong, or errNotRun. TestDocumentedCommands
// runs those of Tagwatch.
func checkCommand(t *testing.T, words []string) error {
	t.Helper()
	switch program := words[0]; {
	case program == "tagwatch" || program == "tagwatch-worker" || slices.Contains(plain, program) || inContainer(words):
		return nil
	case program == "make":
		command := exec.CommandContext(t.Context(), "make", append([]string{"-n"}, unquoted(words[1:])...)...)
		command.Dir = ".."
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	case program == "go" && len(words) == 5 && words[1] == "test" && words[3] == "-run":
		return hasTest(words[2], strings.Trim(words[4], "'$"))
	case strings.HasSuffix(program, ".sh"):
		_, err := os.Stat("../" + program)
		return err
	case program == "curl" && slices.ContainsFunc(words, ofAPI.MatchString):
		return checkRequest(words[1:])
	default:
		return errNotRun
	}
}

// inContainer reports whether a command of Tagwatch follows what runs it in a container.
func inContainer(words []string) bool {
	at := slices.Index(words, "tagwatch")
	return at > 1 && (words[at-1] == "--" || words[at-1] == "worker")
}

func unquoted(words []string) []string {
	var all []string
	for _, word := range words {
		all = append(all, strings.ReplaceAll(word, "'", ""))
	}
	return all
}

// hasTest is an error if a package has no test of that name.
func hasTest(folder, name string) error {
	files, err := filepath.Glob("../" + folder + "/*_test.go")
	if err != nil {
		return err
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err != nil || strings.Contains(string(content), "func "+name+"(") {
			return err
		}
	}
	return fmt.Errorf("%s has no test %s", folder, name)
}

// ofAPI matches an address of the HTTP API.
var ofAPI = regexp.MustCompile(`^"?\$API(/[^?"]*)`)

// checkRequest is an error if the HTTP API has no such operation.
func checkRequest(words []string) error {
	content, err := os.ReadFile("../docs/openapi.json")
	if err != nil {
		return err
	}
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(content, &document); err != nil {
		return err
	}
	method := "get"
	if slices.Contains(words, "--json") {
		method = "post"
	}
	for _, word := range words {
		if path := ofAPI.FindStringSubmatch(word); path != nil && document.Paths["/api/v1"+path[1]][method] == nil && document.Paths[path[1]][method] == nil {
			return fmt.Errorf("the HTTP API has no %s %s", method, path[1])
		}
	}
	return nil
}
