// Package registries has the commands about registries and their push
// notifications.
package registries

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "registry",
		Usage: "see how registries are spoken to, and whether they answer",
		Description: `Credentials come from Docker's configuration of the worker, mirrors and locations
from its registries file; docs/registries.md says more.

   tagwatch registry check registry.example.com:5000
   tagwatch registry list`,
		Subcommands: []*cli.Command{registryCheckCommand(), registryListCommand()},
	}
}

func registryCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "tell what would be used for a registry, and try it",
		UsageText: "tagwatch registry check HOST|REPOSITORY[:TAG] [options]",
		Description: `A worker looks, with its own files and credentials, and tells: which part of the
registries file applies, the mirrors and their order, certificates, proxy, where
the credentials come from and for whom, what the registry answers, and what it
allows. No secret is shown. With a repository, one of its tags is looked up too.

   tagwatch registry check docker.io
   tagwatch registry check registry.example.com:5000/shop/web:1.4
   tagwatch registry check ghcr.io -o json

Exit code 1: it does not work.`,
		Flags:  []cli.Flag{session.OutputFlag()},
		Action: session.Action(registryCheck),
	}
}

func registryCheck(ctx context.Context, s *session.Session) error {
	name, err := s.Argument("HOST")
	if err != nil {
		return err
	}
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	var report watch.RegistryReport
	err = linked.Ask(ctx, "check registry "+name, session.RequestTimeout, func(ctx context.Context) (err error) {
		report, err = linked.Client.CheckRegistry(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.Show(report, func(w io.Writer) { writeRegistryReport(s, w, report) }); err != nil {
		return err
	}
	if !report.Works {
		return exit.ErrAnswered
	}
	return nil
}

func writeRegistryReport(s *session.Session, w io.Writer, report watch.RegistryReport) {
	head := &output.Pairs{}
	head.Add("Checked by", "worker on "+report.Worker)
	file := report.File
	if report.Section != "" {
		file += ", " + report.Section
	}
	head.Add("Registries file", file)
	if report.Refused != "" {
		head.Row(output.Bad, "Refused", report.Refused+"; what was valid before is in force")
	}
	head.Add("Problem", report.Problem)
	head.Write(w)
	for i, place := range report.Places {
		title := place.Host
		if place.Path != "" {
			title += "/" + place.Path
		}
		if place.Mirror {
			title = fmt.Sprintf("Mirror %d: %s, asked for %s", i+1, title, strings.Join(place.For, " and "))
		}
		fmt.Fprintf(w, "\n%s\n", title)
		writePlace(s, w, place)
	}
}

func writePlace(s *session.Session, w io.Writer, p watch.RegistryPlace) {
	t := &output.Pairs{Table: output.Table{Indent: "  "}}
	t.Add("Address", p.URL)
	t.Add("Certificate", certificateWords(s, p))
	t.Add("Client certificate", strings.Join(p.ClientCertificates, " "))
	t.Add("Proxy", p.Proxy)
	t.Add("Credentials", credentialWords(p))
	t.Add("Authentication", authenticationWords(p))
	t.Add("RateLimit", rateLimitWords(p.RateLimit))
	t.Add("Limit", limitWords(p.RateLimit))
	t.Add("Left alone", closedWords(p.RateLimit, s.Now))
	if p.ClockOffset != 0 {
		t.Add("Clock", fmt.Sprintf("differs from the worker's by %s", time.Duration(p.ClockOffset)*time.Second))
	}
	step(t, "Answer", &p.Answer, "")
	if p.Answer.Done {
		step(t, "Login", &p.Login, "")
	}
	step(t, "Tag", p.Tag, string(p.Digest))
	t.Write(w)
}

// step adds a row for something that was tried.
func step(p *output.Pairs, name string, step *watch.RegistryStep, result string) {
	switch {
	case step == nil:
	case step.Done:
		took := time.Duration(step.Seconds * float64(time.Second)).Round(time.Millisecond)
		p.Row(output.Ordinary, name, strings.TrimSpace(fmt.Sprintf("works (%s) %s", took, result)))
	default:
		p.Row(output.Bad, name, step.Problem)
	}
}

func certificateWords(s *session.Session, p watch.RegistryPlace) string {
	switch {
	case strings.HasPrefix(p.URL, "http://"):
		return "none: plain HTTP"
	case p.Unverified:
		return "not verified (insecure)"
	}
	words := "of the system's authorities"
	if len(p.Authorities) > 0 {
		words += ", " + strings.Join(p.Authorities, ", ")
	}
	if !p.CertificateEnds.IsZero() {
		words += "; valid until " + p.CertificateEnds.Format(time.DateOnly)
	}
	return words
}

func credentialWords(p watch.RegistryPlace) string {
	switch {
	case p.Credentials == "":
		return "none"
	case p.User == "":
		return p.Credentials
	}
	return p.Credentials + ", user " + p.User
}

func authenticationWords(p watch.RegistryPlace) string {
	if p.TokenService != "" {
		return "token of " + p.TokenService
	}
	return p.Authentication
}

func rateLimitWords(b watch.RegistryRateLimit) string {
	if b.Concurrency == 0 {
		return ""
	}
	return fmt.Sprintf("%g requests a second, %d at a time", b.RequestsPerSecond, b.Concurrency)
}

func limitWords(b watch.RegistryRateLimit) string {
	if b.Limit == 0 {
		return ""
	}
	words := fmt.Sprintf("%d of %d requests left", b.Remaining, b.Limit)
	if b.Window > 0 {
		words += " in " + output.Span(b.Window)
	}
	return words
}

func closedWords(b watch.RegistryRateLimit, now time.Time) string {
	if b.Closed == "" {
		return ""
	}
	return fmt.Sprintf("for %s: %s", output.Span(b.Until.Sub(now)), b.Closed)
}
