// Package doctor checks an installation and repairs which workflows run.
package doctor

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "check all connections and settings",
		UsageText: "tagwatch doctor [options]",
		Description: `Checks the settings of this machine, the database, Temporal, the workers and the
watched tags, and changes nothing. Each line is ok, warn or fail; warn and fail say
what to do. Lines that only a worker can verify, such as readable secrets, say so.

   tagwatch doctor
   tagwatch doctor --watch
   tagwatch doctor -o json | jq '.checks[] | select(.result != "ok")'

Exit code 1: a check failed.`,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "feed-max-age", EnvVars: []string{"TAGWATCH_FEED_MAX_AGE"}, Value: 5 * 24 * time.Hour,
				Usage: "maximum age of vulnerability data"},
			&cli.StringFlag{Name: "feed-url", EnvVars: []string{"TAGWATCH_FEED_URL"}, Value: "https://grype.anchore.io/databases",
				Usage: "`url` of the listing of vulnerability data, as set for the workers"},
			&cli.IntFlag{Name: "renew-pace", EnvVars: []string{"TAGWATCH_RENEW_PACE"}, Value: 120,
				Usage: "maximum `images` per hour that the workers analyze again, as set for the workers"},
			session.WatchFlag(),
			session.OutputFlag(),
		},
		Action: session.Bare(session.Watched(doctorPause, doctor)),
	}
}

// result is the result of a check.
type result string

// The results.
const (
	resultOK   result = "ok"
	resultWarn result = "warn"
	resultFail result = "fail"
)

type finding struct {
	Result  result `json:"result"`
	Subject string `json:"subject"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// diagnosis is all that was found, for programs.
type diagnosis struct {
	Result result    `json:"result"`
	Checks []finding `json:"checks"`
}

// examination is one run of the doctor.
type examination struct {
	*session.Session
	found []finding
}

// unread reports an error of the database, if there is one.
func (e *examination) unread(subject string, err error) bool {
	if err != nil {
		e.fail(subject, "check the database", "%s", errkind.Text(err))
	}
	return err != nil
}

func (e *examination) ok(subject, format string, arguments ...any) {
	e.found = append(e.found, finding{resultOK, subject, fmt.Sprintf(format, arguments...), ""})
}

func (e *examination) warn(subject, remedy, format string, arguments ...any) {
	e.found = append(e.found, finding{resultWarn, subject, fmt.Sprintf(format, arguments...), remedy})
}

func (e *examination) fail(subject, remedy, format string, arguments ...any) {
	e.found = append(e.found, finding{resultFail, subject, fmt.Sprintf(format, arguments...), remedy})
}

const (
	// doctorTimeout bounds each part of the examination.
	doctorTimeout = 15 * time.Second
	// doctorPause is the time between two examinations of --watch.
	doctorPause = 10 * time.Second
)

func doctor(ctx context.Context, s *session.Session) error {
	e := &examination{Session: s}
	for _, part := range []struct {
		doing string
		check func(context.Context)
	}{
		{"settings", e.settings}, {"the database", e.database}, {"Temporal", e.temporalServer}, {"the workers", e.workers},
		{"the workflows", e.workflows}, {"failing steps", e.failing}, {"sources", e.sources}, {"the vulnerability data", e.feed}, {"renewals", e.renewals}, {"registries", e.registries}, {"endpoints", e.endpoints},
	} {
		done := func() {}
		if s.Watch == nil || s.Watch.First {
			done = s.Slowly("Checking " + part.doing)
		}
		bounded, cancel := context.WithTimeout(ctx, doctorTimeout)
		part.check(bounded)
		cancel()
		done()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return e.conclude()
}

func (e *examination) conclude() error {
	worst := resultOK
	for _, f := range e.found {
		if f.Result == resultFail || f.Result == resultWarn && worst == resultOK {
			worst = f.Result
		}
	}
	// A changed number in a message is not worth a line.
	if err := session.ShowRows(e.Session, session.Rows[finding]{Items: e.found, Whole: diagnosis{worst, e.found}, People: writeFindings,
		Name:   func(f finding) string { return fmt.Sprintf("%s (%s)", f.Subject, f.Result) },
		Steady: func(f finding) finding { return finding{Result: f.Result, Subject: f.Subject, Remedy: f.Remedy} }}); err != nil || worst != resultFail {
		return err
	}
	return exit.ErrAnswered
}

func writeFindings(w io.Writer, found []finding) {
	for _, f := range found {
		style := map[result]output.Style{resultWarn: output.Doubtful, resultFail: output.Bad}[f.Result]
		fmt.Fprintln(w, output.Paint(w, style, fmt.Sprintf("%-4s  %-11s  %s", f.Result, f.Subject, output.OneLine(f.Message))))
		if f.Remedy != "" {
			fmt.Fprintf(w, "%19s%s\n", "", output.OneLine(f.Remedy))
		}
	}
}
