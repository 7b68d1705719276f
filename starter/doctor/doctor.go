// Package doctor checks an installation and repairs which workflows run.
package doctor

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

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

// result is what came of a check.
type result string

// The results.
const (
	resultOK   result = "ok"
	resultWarn result = "warn"
	resultFail result = "fail"
)

// finding is one line of the doctor's.
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
	tell := notifySlow(s)
	defer tell.stop()
	for _, part := range []struct {
		doing string
		check func(context.Context)
	}{
		{"settings", e.settings}, {"the database", e.database}, {"Temporal", e.temporalServer}, {"the workers", e.workers},
		{"the workflows", e.workflows}, {"failing steps", e.failing}, {"the vulnerability data", e.feed}, {"renewals", e.renewals}, {"registries", e.registries}, {"endpoints", e.endpoints},
	} {
		tell.now(part.doing)
		bounded, cancel := context.WithTimeout(ctx, doctorTimeout)
		part.check(bounded)
		cancel()
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
	// A changed number in a message is no news.
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

// narrator says what is being done once it takes long.
type narrator struct {
	say   func(string, ...any)
	timer *time.Timer

	mu    sync.Mutex
	doing string
	loud  bool
}

func notifySlow(s *session.Session) *narrator {
	n := &narrator{say: s.Say}
	if s.Watch != nil && !s.Watch.First {
		n.say = func(string, ...any) {}
	}
	n.timer = time.AfterFunc(session.Quiet, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.loud = true
		n.say("Checking %s ...", n.doing)
	})
	return n
}

func (n *narrator) now(doing string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doing = doing
	if n.loud {
		n.say("Checking %s ...", doing)
	}
}

func (n *narrator) stop() { n.timer.Stop() }
