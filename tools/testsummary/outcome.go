package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const exitSuffix = ".exit"

// outcome is that of all parts together.
type outcome struct {
	passed, skipped int
	failed          []string // "part: what failed"
}

func (o outcome) String() string {
	var text strings.Builder
	if len(o.failed) > 0 {
		fmt.Fprintf(&text, "\nFailures:\n  %s\n\n", strings.Join(o.failed, "\n  "))
	}
	fmt.Fprintf(&text, "%d passed, %d failed, %d skipped\n", o.passed, len(o.failed), o.skipped)
	return text.String()
}

// read reads the outcome of each part in a folder.
func read(folder string) (outcome, error) {
	exits, err := filepath.Glob(filepath.Join(folder, "*"+exitSuffix))
	if err != nil {
		return outcome{}, err
	}
	if len(exits) == 0 {
		return outcome{}, fmt.Errorf("no part of a test run in %s", folder)
	}
	var all outcome
	for _, exit := range exits {
		if err := all.add(strings.TrimSuffix(exit, exitSuffix)); err != nil {
			return outcome{}, err
		}
	}
	return all, nil
}

// add adds the part whose files begin with a path. A command that failed without
// a failed test is a failure by the part's name.
func (o *outcome) add(path string) error {
	text, err := os.ReadFile(path + exitSuffix)
	if err != nil {
		return err
	}
	status, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("exit status in %s%s: %w", path, exitSuffix, err)
	}
	tests, err := readEvents(path + ".json")
	if err != nil {
		return err
	}
	failed := tests.failures()
	if status != 0 && len(failed) == 0 {
		failed = []string{fmt.Sprintf("exit status %d", status)}
	}
	o.passed += tests.passed
	o.skipped += tests.skipped
	slices.Sort(failed)
	for _, name := range failed {
		o.failed = append(o.failed, filepath.Base(path)+": "+name)
	}
	return nil
}
