// Package doctor checks an installation and repairs which workflows run.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/operations"
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
what to do. Lines that only a worker can verify, such as readable secrets, say so. With
--server, the server checks what it can, and this machine is left out.

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

// examination is one run of the doctor.
type examination struct {
	*session.Session
	operations.Checks
}

const (
	// doctorTimeout bounds each check of this machine.
	doctorTimeout = 15 * time.Second
	// doctorPause is the time between two examinations of --watch.
	doctorPause = 10 * time.Second
)

func doctor(ctx context.Context, s *session.Session) error {
	e := &examination{Session: s}
	if s.Watch == nil || s.Watch.First {
		defer s.Slowly("Checking the installation")()
	}
	check := e.here
	if s.Remote() {
		check = e.atServer
	}
	if err := check(ctx); err != nil {
		return err
	}
	return e.conclude()
}

// request says what the workers are set to, as far as this command knows.
func (e *examination) request() operations.DiagnosisRequest {
	request := operations.DiagnosisRequest{Version: e.App.Version}
	if e.IsSet("feed-max-age") {
		request.MaxAge = e.Duration("feed-max-age").String()
	}
	if e.IsSet("renew-pace") {
		pace := max(e.Int("renew-pace"), 0)
		request.Renewed = &pace
	}
	return request
}

// atServer has a server check the installation.
func (e *examination) atServer(ctx context.Context) error {
	found, err := operations.Diagnose.Run(ctx, e.System(), e.request())
	if err != nil {
		return err
	}
	e.Checks = found.Checks
	if e.Watch == nil || e.Watch.First {
		e.Say("The server was checked. Left out are the checks of this machine: its settings and disk, its connections to the database and Temporal, and whether the source of vulnerability data responds here")
	}
	return nil
}

// here checks the settings of this machine and its connections, and the installation by
// them.
func (e *examination) here(ctx context.Context) error {
	for _, check := range []func(context.Context){e.settings, e.database} {
		bounded, cancel := context.WithTimeout(ctx, doctorTimeout)
		check(bounded)
		cancel()
	}
	system := e.System()
	// A doctor that brings the schema up to date would end what it should report.
	system.Store = func(context.Context) (*store.Store, error) {
		if e.Stored == nil {
			return nil, errUnopened
		}
		return e.Stored, nil
	}
	var unreachable error
	ask := system.Ask
	system.Ask = func(ctx context.Context, doing string, limit time.Duration, request func(context.Context, client.Client) error) error {
		err := ask(ctx, doing, limit, request)
		if e.Linked == nil {
			unreachable = err
		}
		return err
	}
	found, err := operations.Diagnose.Run(ctx, system, e.request())
	if err != nil {
		return err
	}
	for _, c := range found.Checks {
		switch {
		case c.Subject == subjectDatabase: // checked above, from here
			continue
		case c.Subject == subjectTemporal && c.Result == operations.CheckFail && unreachable != nil:
			c.Message = exit.Sentence(unreachable)
		}
		e.Checks = append(e.Checks, c)
	}
	return e.feedSource(ctx)
}

// The subjects of checks that are made from this machine too.
const subjectDatabase, subjectTemporal = "database", "Temporal"

var errUnopened = errors.New("the database is not opened")

func (e *examination) conclude() error {
	diagnosis := operations.Conclude(e.Checks)
	// A changed number in a message is not worth a line.
	if err := session.ShowRows(e.Session, session.Rows[operations.Check]{Items: diagnosis.Checks, Whole: diagnosis, People: writeChecks,
		Name: func(c operations.Check) string { return fmt.Sprintf("%s (%s)", c.Subject, c.Result) },
		Steady: func(c operations.Check) operations.Check {
			return operations.Check{Result: c.Result, Subject: c.Subject, Remedy: c.Remedy}
		}}); err != nil || diagnosis.Result != operations.CheckFail {
		return err
	}
	return exit.ErrAnswered
}

func writeChecks(w io.Writer, found []operations.Check) {
	for _, f := range found {
		style := map[operations.CheckResult]output.Style{operations.CheckWarn: output.Doubtful, operations.CheckFail: output.Bad}[f.Result]
		fmt.Fprintln(w, output.Paint(w, style, fmt.Sprintf("%-4s  %-11s  %s", f.Result, f.Subject, output.OneLine(f.Message))))
		if f.Remedy != "" {
			fmt.Fprintf(w, "%19s%s\n", "", output.OneLine(f.Remedy))
		}
	}
}
