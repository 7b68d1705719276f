// Testsummary reports the outcome of a test run that has several parts, and
// fails if any of them failed.
//
//	testsummary FOLDER
//
// The folder holds for each part NAME.exit, the exit status of its command, and
// for a part that runs Go tests also NAME.json, the events that gotestsum wrote
// with --jsonfile. The last line of the report is
//
//	N passed, N failed, N skipped
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: testsummary FOLDER")
		os.Exit(2)
	}
	outcome, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(2)
	}
	fmt.Print(outcome)
	if len(outcome.failed) > 0 {
		os.Exit(1)
	}
}
