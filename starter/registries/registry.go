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

	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "registry",
		Usage: "show registry settings and check connectivity",
		Description: `Credentials come from the worker's Docker configuration, mirrors from its
registries file; see docs/registries.md.

   tagwatch registry check registry.example.com:5000
   tagwatch registry list`,
		Subcommands: []*cli.Command{registryCheckCommand(), registryListCommand()},
	}
}

func registryCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "show the settings of a registry and test the connection",
		UsageText: "tagwatch registry check HOST|REPOSITORY[:TAG] [options]",
		Description: `A worker runs the check with its own files and credentials. It reports the section
of the registries file that applies, mirrors in their order, certificates, proxy,
the source of the credentials and their user, the response of the registry, and
its rate limit. Secrets are never shown. With a repository, the check also resolves
one of its tags.

   tagwatch registry check docker.io
   tagwatch registry check registry.example.com:5000/shop/web:1.4
   tagwatch registry check ghcr.io -o json

Exit code 1: the check failed.`,
		Flags:  []cli.Flag{session.OutputFlag()},
		Action: session.One("HOST", registryCheck),
	}
}

func registryCheck(ctx context.Context, s *session.Session, name string) error {
	report, err := operations.CheckRegistry.Run(ctx, s.System(), operations.RegistryCheck{Name: name})
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

func writeRegistryReport(s *session.Session, w io.Writer, report polling.Report) {
	head := &output.Pairs{}
	head.Add("Checked by", "worker on "+report.Worker)
	file := report.File
	if report.Section != "" {
		file += ", " + report.Section
	}
	head.Add("Registries file", file)
	if report.Refused != "" {
		head.Row(output.Bad, "Invalid", report.Refused+"; the previous settings stay in effect")
	}
	head.Add("Problem", report.Problem)
	head.Write(w)
	for i, place := range report.Places {
		title := place.Host
		if place.Path != "" {
			title += "/" + place.Path
		}
		if place.Mirror {
			title = fmt.Sprintf("Mirror %d: %s, used for %s", i+1, title, strings.Join(place.For, " and "))
		}
		fmt.Fprintf(w, "\n%s\n", title)
		writePlace(s, w, place)
	}
}

func writePlace(s *session.Session, w io.Writer, p polling.Place) {
	t := &output.Pairs{Table: output.Table{Indent: "  "}}
	t.Add("Address", p.URL)
	t.Add("Redirects to", p.RedirectsTo)
	t.Add("Certificate", certificateWords(s, p))
	t.Add("Client certificate", strings.Join(p.ClientCertificates, " "))
	t.Add("Proxy", p.Proxy)
	t.Add("Credentials", credentialWords(p))
	t.Add("Authentication", authenticationWords(p))
	t.Add("Rate limit", rateLimitWords(p.RateLimit))
	t.Add("Remaining", limitWords(p.RateLimit))
	t.Add("Paused", closedWords(p.RateLimit, s.Now))
	if p.ClockOffset != 0 {
		t.Add("Clock", fmt.Sprintf("differs from the worker's by %s", time.Duration(p.ClockOffset)*time.Second))
	}
	step(t, "Connection", &p.Answer, "")
	if p.Answer.Done {
		step(t, "Login", &p.Login, "")
	}
	step(t, "Tag", p.Tag, string(p.Digest))
	t.Write(w)
}

// step adds a row for something that was tried.
func step(p *output.Pairs, name string, step *polling.Step, result string) {
	switch {
	case step == nil:
	case step.Done:
		took := time.Duration(step.Seconds * float64(time.Second)).Round(time.Millisecond)
		p.Row(output.Ordinary, name, strings.TrimSpace(fmt.Sprintf("ok (%s) %s", took, result)))
	default:
		p.Row(output.Bad, name, step.Problem)
	}
}

func certificateWords(s *session.Session, p polling.Place) string {
	switch {
	case strings.HasPrefix(p.URL, "http://"):
		return "none: plain HTTP"
	case p.Unverified:
		return "not verified (insecure)"
	}
	words := "system CAs"
	if len(p.Authorities) > 0 {
		words += ", " + strings.Join(p.Authorities, ", ")
	}
	if !p.CertificateEnds.IsZero() {
		words += "; valid until " + p.CertificateEnds.Format(time.DateOnly)
	}
	return words
}

func credentialWords(p polling.Place) string {
	switch {
	case p.Credentials == "":
		return "none"
	case p.User == "":
		return p.Credentials
	}
	return p.Credentials + ", user " + p.User
}

func authenticationWords(p polling.Place) string {
	if p.TokenService != "" {
		return "token of " + p.TokenService
	}
	return p.Authentication
}

func rateLimitWords(b polling.RateLimit) string {
	if b.Concurrency == 0 {
		return ""
	}
	return fmt.Sprintf("%g requests/s, %d concurrent", b.RequestsPerSecond, b.Concurrency)
}

func limitWords(b polling.RateLimit) string {
	if b.Limit == 0 {
		return ""
	}
	words := fmt.Sprintf("%d of %d requests left", b.Remaining, b.Limit)
	if b.Window > 0 {
		words += " in " + wording.Duration(b.Window)
	}
	return words
}

func closedWords(b polling.RateLimit, now time.Time) string {
	if b.Closed == "" {
		return ""
	}
	return fmt.Sprintf("for %s: %s", wording.Duration(b.Until.Sub(now)), b.Closed)
}
