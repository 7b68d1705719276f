package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

const module = "github.com/tagwatch/tagwatch/"

// event is a line of go test -json; only the fields that are used here.
type event struct {
	Action, Package, Test string
}

type name struct{ pkg, test string }

func (n name) String() string {
	short := strings.TrimPrefix(n.pkg, module)
	if n.test == "" {
		return short
	}
	return short + "." + n.test
}

// tests counts the tests of one part. Like gotestsum it counts subtests as tests.
type tests struct {
	passed, skipped int
	failed          []name
	running         map[name]bool // began and did not end: tests, and packages under an empty test name
}

// readEvents reads the events of a part. A part without the file has no tests.
func readEvents(path string) (*tests, error) {
	found := &tests{running: map[name]bool{}}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			found.addLine(line)
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
}

// addLine ignores lines that are not events: go build may write between them, and the
// last line of a killed run may be cut off. The exit status and the unfinished tests
// show such a run as failed.
func (t *tests) addLine(line []byte) {
	var e event
	if json.Unmarshal(line, &e) == nil && e.Package != "" {
		t.add(e)
	}
}

func (t *tests) add(e event) {
	n := name{e.Package, e.Test}
	switch e.Action {
	case "start", "run":
		t.running[n] = true
		return
	case "pass", "skip", "fail":
		delete(t.running, n)
	default:
		return
	}
	switch {
	case e.Action == "fail":
		t.failed = append(t.failed, n)
	case e.Test == "": // of packages only failures count
	case e.Action == "pass":
		t.passed++
	default:
		t.skipped++
	}
}

// failures are the failed tests, those that never ended, and the packages that
// failed without either: one that does not compile, or ends before its tests.
func (t *tests) failures() (names []string) {
	explained := map[string]bool{} // packages
	for n := range t.running {
		if n.test != "" {
			names = append(names, n.String()+" (did not end)")
			explained[n.pkg] = true
		}
	}
	for _, n := range t.failed {
		if n.test != "" {
			names = append(names, n.String())
			explained[n.pkg] = true
		}
	}
	for _, n := range slices.AppendSeq(slices.Clone(t.failed), maps.Keys(t.running)) {
		if n.test == "" && !explained[n.pkg] {
			names = append(names, n.String()+" (the package as a whole)")
			explained[n.pkg] = true
		}
	}
	return names
}
