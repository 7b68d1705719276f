package doctor

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

const (
	// reportFile is where a report is written by default.
	reportFile = "tagwatch-report.md"
	// heading is the first line of a report.
	heading = "# Tagwatch report"
)

// ReportCommand writes what a maintainer needs to see with a bug.
func ReportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "write what a bug report needs to a file",
		UsageText: "tagwatch report [FILE|-]",
		Description: `Writes versions, settings, the result of tagwatch doctor, counts, and what fails to
` + reportFile + ` or FILE, in text that people can read. It names tags, repositories,
endpoints and hosts: read it before you send it. Passwords, tokens, the paths of URLs
and the content of notifications are left out. What cannot be read is said in its place.

   tagwatch report
   tagwatch report - | less`,
		Action: session.Action(report),
	}
}

func report(ctx context.Context, s *session.Session) error {
	name := reportFile
	if s.Args().Present() {
		var err error
		if name, err = s.Argument("FILE"); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	done := s.Slowly("Looking at the installation")
	writeReport(ctx, &text, s)
	done()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if name == "-" {
		_, err := s.Out.Write(text.Bytes())
		return err
	}
	if err := keep(name, text.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "Report written to %s\n", name)
	s.Say("Read it before you send it: it names tags, endpoints and hosts.")
	return nil
}

// keep writes a report for this user only, over an older one, but over nothing else.
func keep(name string, content []byte) error {
	before, err := os.ReadFile(name)
	if err == nil && !bytes.HasPrefix(before, []byte(heading)) {
		return exit.Usage("%s exists and is not a report; name another file: tagwatch report FILE", name)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		return exit.Unable(err)
	}
	return nil
}

// section is a part of a report; an error takes the place of its lines.
type section struct {
	title string
	lines func(context.Context, *session.Session) ([]string, error)
}

var sections = []section{
	{"Settings of this command", settingLines}, {"Checks", checkLines}, {"Tags", tagLines}, {"Repositories", repositoryLines}, {"Sources", sourceLines},
	{"Endpoints", endpointLines}, {"Deliveries that failed last", deliveryLines}, {"Notifications sent last", notificationLines}, {"Vulnerability data", dataLines},
}

func writeReport(ctx context.Context, w io.Writer, s *session.Session) {
	fmt.Fprintf(w, heading+"\n\nMade at %s by tagwatch %s on %s/%s, %s.\n", s.Now.Format("2006-01-02 15:04:05 UTC"), s.App.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	for _, each := range sections {
		fmt.Fprintf(w, "\n## %s\n\n", each.title)
		lines, err := each.lines(ctx, s)
		for _, line := range lines {
			fmt.Fprintf(w, "    %s\n", output.OneLine(line))
		}
		switch {
		case err != nil:
			fmt.Fprintf(w, "This could not be read: %s\n", output.OneLine(exit.Sentence(err)))
		case len(lines) == 0:
			fmt.Fprintln(w, "None.")
		}
	}
}

// settingLines are the variables of this command's environment that Tagwatch reads, and the
// options of the command line. Workers have their own, which are not known here.
func settingLines(_ context.Context, s *session.Session) ([]string, error) {
	var lines []string
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "TAGWATCH_") || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "OTEL_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			lines = append(lines, name+"="+harmless(name, value))
		}
	}
	slices.Sort(lines)
	for _, option := range s.Lineage()[len(s.Lineage())-1].LocalFlagNames() {
		lines = append(lines, "--"+option+"="+harmless(option, fmt.Sprint(s.Value(option))))
	}
	where := "the database and Temporal are used directly"
	if s.Remote() {
		login, err := s.Server()
		if err != nil {
			return lines, err
		}
		where = "commands are carried out by the server at " + hostOf(login.Server)
	}
	return append(lines, where), nil
}

// harmless is what may be shown of a setting: of a URL its scheme and host, and of what can
// be a secret that it is set.
func harmless(name, value string) string {
	name = strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	scheme, rest, isURL := strings.Cut(value, "://")
	switch {
	case value == "":
		return "(empty)"
	case slices.ContainsFunc([]string{"TOKEN", "SECRET", "PASSWORD", "KEY", "HEADER", "CREDENTIAL"}, func(word string) bool { return strings.Contains(name, word) }):
		return "(set)"
	case isURL && scheme == "sqlite":
		return value
	case isURL:
		return scheme + "://" + cmp.Or(hostOf(scheme+"://"+rest), "...") + "/..."
	}
	return value
}

// checkLines are what doctor says.
func checkLines(ctx context.Context, s *session.Session) ([]string, error) {
	e := &examination{Session: s}
	check := e.here
	if s.Remote() {
		check = e.atServer
	}
	err := check(ctx)
	var lines []string
	for _, c := range e.Checks {
		lines = append(lines, fmt.Sprintf("%-4s  %-11s  %s", c.Result, c.Subject, c.Message))
	}
	return lines, err
}
