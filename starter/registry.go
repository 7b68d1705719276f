package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/watch"
)

func registryCommand() *cli.Command {
	return &cli.Command{
		Name: "registry", Category: categorySystem,
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
		Flags:  []cli.Flag{outputFlag()},
		Action: action(registryCheck),
	}
}

func registryCheck(ctx context.Context, s *session) error {
	name, err := s.argument("HOST")
	if err != nil {
		return err
	}
	linked, err := s.temporal(ctx)
	if err != nil {
		return err
	}
	var report watch.RegistryReport
	err = linked.ask(ctx, "check registry "+name, requestTimeout, func(ctx context.Context) (err error) {
		report, err = linked.client.CheckRegistry(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.show(report, func(w io.Writer) { s.writeRegistryReport(w, report) }); err != nil {
		return err
	}
	if !report.Works {
		return errAnswered
	}
	return nil
}

func (s *session) writeRegistryReport(w io.Writer, report watch.RegistryReport) {
	head := &pairs{}
	head.add("Checked by", "worker on "+report.Worker)
	file := report.File
	if report.Section != "" {
		file += ", " + report.Section
	}
	head.add("Registries file", file)
	if report.Refused != "" {
		head.row(bad, "Refused", report.Refused+"; what was valid before is in force")
	}
	head.add("Problem", report.Problem)
	head.write(w)
	for i, place := range report.Places {
		title := place.Host
		if place.Path != "" {
			title += "/" + place.Path
		}
		if place.Mirror {
			title = fmt.Sprintf("Mirror %d: %s, asked for %s", i+1, title, strings.Join(place.For, " and "))
		}
		fmt.Fprintf(w, "\n%s\n", title)
		s.writePlace(w, place)
	}
}

func (s *session) writePlace(w io.Writer, p watch.RegistryPlace) {
	t := &pairs{table{indent: "  "}}
	t.add("Address", p.URL)
	t.add("Certificate", s.certificateWords(p))
	t.add("Client certificate", strings.Join(p.ClientCertificates, " "))
	t.add("Proxy", p.Proxy)
	t.add("Credentials", credentialWords(p))
	t.add("Authentication", authenticationWords(p))
	t.add("RateLimit", rateLimitWords(p.RateLimit))
	t.add("Limit", limitWords(p.RateLimit))
	t.add("Left alone", closedWords(p.RateLimit, s.now))
	if p.ClockOffset != 0 {
		t.add("Clock", fmt.Sprintf("differs from the worker's by %s", time.Duration(p.ClockOffset)*time.Second))
	}
	t.step("Answer", &p.Answer, "")
	if p.Answer.Done {
		t.step("Login", &p.Login, "")
	}
	t.step("Tag", p.Tag, string(p.Digest))
	t.write(w)
}

// step adds a row for something that was tried.
func (p *pairs) step(name string, step *watch.RegistryStep, result string) {
	switch {
	case step == nil:
	case step.Done:
		took := time.Duration(step.Seconds * float64(time.Second)).Round(time.Millisecond)
		p.row(ordinary, name, strings.TrimSpace(fmt.Sprintf("works (%s) %s", took, result)))
	default:
		p.row(bad, name, step.Problem)
	}
}

func (s *session) certificateWords(p watch.RegistryPlace) string {
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
		words += " in " + span(b.Window)
	}
	return words
}

func closedWords(b watch.RegistryRateLimit, now time.Time) string {
	if b.Closed == "" {
		return ""
	}
	return fmt.Sprintf("for %s: %s", span(b.Until.Sub(now)), b.Closed)
}
