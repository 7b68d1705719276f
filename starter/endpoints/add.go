package endpoints

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func endpointAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add an endpoint",
		UsageText: "tagwatch endpoint add NAME URL [options]",
		Description: `<userId> and <notification_type> in the URL are replaced. If the URL is a secret, as
with chat services, give env:NAME or file:/path instead. Environment variables and
files are those of the worker.

   tagwatch endpoint add ops https://receiver.example.com/hook --secret-env HOOK_SECRET
   tagwatch endpoint add anchore 'https://old.example.com/<notification_type>/<userId>' \
      --user anchore --password-file /run/secrets/anchore
   tagwatch endpoint add ops https://new.example.com/hook --secret-env HOOK_SECRET --replace
   tagwatch endpoint add chat env:SLACK_URL --format slack --type policy_eval
   tagwatch endpoint add team env:TEAMS_URL --format teams --per-minute 4 --digest 10m
   tagwatch endpoint add web https://web.example.com --subject 'ghcr.io/web/*:v*'
   tagwatch endpoint add cloud https://cloud.example.com --proxy http://proxy.internal:3128 --max-body 100KB
   tagwatch endpoint add audit https://audit.example.com --type event_log --header-env X-Key=AUDIT_KEY`,
		Flags:  endpointFlags(),
		Action: session.Action(endpointAdd),
	}
}

func endpointFlags() []cli.Flag {
	return slices.Concat(arguments.FilterFlags(), []cli.Flag{
		arguments.TypeFlag("of notification to send (default: all but event_log)"),
		&cli.StringSliceFlag{Name: "subject", Usage: "only tags and repositories that match this `pattern`: registry/repository[:tag]; * matches any characters; repeatable"},
		&cli.StringSliceFlag{Name: "label", Usage: "only subscriptions with this label, `NAME=value`; repeatable, all must match"},
		&cli.BoolFlag{Name: "explicit", Usage: "send only for subscriptions that name this endpoint"},
		&cli.StringFlag{Name: "format", Usage: "`format` of the body: " + wording.List(message.Formats) + " (default: anchore)"},
		&cli.StringFlag{Name: "template", Usage: "`file` with a template of the body, for --format template"},
		&cli.StringFlag{Name: "max-body", Usage: "maximum `size` of a body, such as 100KB or 1MiB; longer lists are shortened", DefaultText: "unlimited"},
		&cli.StringFlag{Name: "user", Usage: "`name` for basic authentication"},
		&cli.StringFlag{Name: "password-env", Usage: "environment `variable` with the password"},
		&cli.StringFlag{Name: "password-file", Usage: "`file` with the password"},
		&cli.StringFlag{Name: "token-env", Usage: "environment `variable` with a bearer token"},
		&cli.StringFlag{Name: "token-file", Usage: "`file` with a bearer token"},
		&cli.StringSliceFlag{Name: "secret-env", Usage: "environment `variable` with a secret that signs the body; repeatable, newest first"},
		&cli.StringSliceFlag{Name: "secret-file", Usage: "`file` with a secret that signs the body; repeatable, newest first"},
		&cli.GenericFlag{Name: "header", Value: &arguments.Whole{}, Usage: "`NAME=value` of a header; repeatable"},
		&cli.GenericFlag{Name: "header-env", Value: &arguments.Whole{}, Usage: "`NAME=variable`: a header whose value is in an environment variable; repeatable"},
		&cli.IntFlag{Name: "per-minute", Usage: "maximum messages per minute; the rest is summarized by cause", DefaultText: "unlimited"},
		&cli.DurationFlag{Name: "digest", Usage: "collect notifications for this `time` and send a summary by cause"},
		&cli.IntFlag{Name: "digest-count", Usage: "send the summary early once this many notifications are pending"},
		&cli.DurationFlag{Name: "debounce", Usage: "delay notifications by this `time`; changes that cancel out are dropped"},
		&cli.DurationFlag{Name: "timeout", Usage: "time limit of one attempt", DefaultText: endpoint.DefaultTimeout.String()},
		&cli.StringFlag{Name: "proxy", Usage: "`url` of the proxy, such as http://host:port; env:NAME or file:/path for one with a password; direct for none", DefaultText: "the worker's --webhook-proxy"},
		&cli.StringFlag{Name: "ca-file", Usage: "`file` with PEM certificates to trust in addition to the system's"},
		&cli.StringFlag{Name: "cert-file", Usage: "`file` with a client certificate"},
		&cli.StringFlag{Name: "key-file", Usage: "`file` with the key of the client certificate"},
		&cli.BoolFlag{Name: "replace", Usage: "replace the endpoint of this name, with all its settings"},
		session.OutputFlag(),
	})
}

func endpointAdd(ctx context.Context, s *session.Session) error {
	settings, err := endpointOfFlags(s)
	if err != nil {
		return err
	}
	saved, err := operations.SaveEndpoint.Run(ctx, s.System(), operations.EndpointChange{EndpointSettings: settings, Replace: s.Bool("replace")})
	if err != nil {
		return err
	}
	sayDelayed(s, saved.Delayed)
	for _, warning := range saved.Warnings {
		s.Say("%s", warning)
	}
	return s.Show(saved, func(w io.Writer) { writeAdded(w, saved.Name, saved.Created) })
}

// sayDelayed says that a change takes effect later only.
func sayDelayed(s *session.Session, why string) {
	if why != "" {
		s.Say("%s. The endpoint picks up the change later", why)
	}
}

func writeAdded(w io.Writer, name string, fresh bool) {
	if !fresh {
		fmt.Fprintf(w, "Endpoint %s is replaced\n", name)
		return
	}
	fmt.Fprintf(w, "Endpoint %s added; test it with: tagwatch endpoint test %s\n", name, name)
}

func endpointOfFlags(s *session.Session) (e operations.EndpointSettings, err error) {
	given, err := s.Arguments("NAME", "URL")
	if err != nil {
		return e, err
	}
	e = operations.EndpointSettings{Name: given[0], URL: given[1], ExplicitOnly: s.Bool("explicit"), Format: message.Format(s.String("format")),
		User: s.String("user"), Timeout: s.Duration("timeout"), Proxy: s.String("proxy")}
	e.Pace = endpoint.Pace{RateLimit: s.Int("per-minute"), Digest: s.Duration("digest"), DigestCount: s.Int("digest-count"), Debounce: s.Duration("debounce")}
	if e.When, err = arguments.Filter(s); err != nil {
		return e, err
	}
	e.ExploitedFiltered = s.Bool("no-known-exploited-override")
	if e.Types, err = arguments.Types(s, notification.Types); err != nil {
		return e, err
	}
	return e, errors.Join(setScope(s, &e), setMaxBody(s, &e), setTemplate(s, &e), setSecrets(s, &e), setHeaders(s, &e), setFiles(s, &e))
}

func setScope(s *session.Session, e *operations.EndpointSettings) (err error) {
	e.Subjects = arguments.Several(s, "subject")
	e.Labels, err = arguments.Labels(s)
	return err
}

func setMaxBody(s *session.Session, e *operations.EndpointSettings) error {
	given := s.String("max-body")
	if given == "" {
		return nil
	}
	size, err := humanize.ParseBytes(given)
	if err != nil || size == 0 || size > math.MaxInt32 {
		return exit.Usage("invalid value %q for --max-body: expected a size such as 100KB or 1MiB", given)
	}
	e.MaxBody = int(size)
	return nil
}

func setTemplate(s *session.Session, e *operations.EndpointSettings) error {
	file := s.String("template")
	if file == "" {
		return nil
	}
	if e.Format == "" {
		e.Format = message.FormatTemplate
	}
	content, err := arguments.ReadFile(s, file)
	e.Template = string(content)
	return err
}

func setSecrets(s *session.Session, e *operations.EndpointSettings) (err error) {
	if e.Password, err = secret(s, "password"); err != nil {
		return err
	}
	if e.Token, err = secret(s, "token"); err != nil {
		return err
	}
	for _, name := range s.StringSlice("secret-env") {
		e.Signing = append(e.Signing, endpoint.SecretRef("env:"+name))
	}
	for _, file := range s.StringSlice("secret-file") {
		ref, err := fileRef(file)
		if err != nil {
			return err
		}
		e.Signing = append(e.Signing, ref)
	}
	return nil
}

// secret is the reference that --NAME-env or --NAME-file gives; "" for neither.
func secret(s *session.Session, name string) (endpoint.SecretRef, error) {
	variable, file := s.String(name+"-env"), s.String(name+"-file")
	switch {
	case variable != "" && file != "":
		return "", exit.Usage("--%s-env and --%s-file cannot be combined", name, name)
	case variable != "":
		return endpoint.SecretRef("env:" + variable), nil
	case file != "":
		return fileRef(file)
	}
	return "", nil
}

func fileRef(file string) (endpoint.SecretRef, error) {
	path, err := filepath.Abs(file)
	return endpoint.SecretRef("file:" + path), exit.Unable(err)
}

func setHeaders(s *session.Session, e *operations.EndpointSettings) error {
	for _, given := range arguments.WholeValues(s, "header") {
		name, value, found := strings.Cut(given, "=")
		if !found {
			return exit.Usage("invalid value for --header: expected NAME=value, such as X-Team=ops")
		}
		if e.Headers == nil {
			e.Headers = map[string]string{}
		}
		e.Headers[name] = value
	}
	for _, given := range arguments.WholeValues(s, "header-env") {
		name, variable, found := strings.Cut(given, "=")
		if !found {
			return exit.Usage("invalid value for --header-env: expected NAME=variable, such as X-Key=AUDIT_KEY")
		}
		if e.HeaderRefs == nil {
			e.HeaderRefs = map[string]endpoint.SecretRef{}
		}
		e.HeaderRefs[name] = endpoint.SecretRef("env:" + variable)
	}
	return nil
}

func setFiles(s *session.Session, e *operations.EndpointSettings) error {
	for _, each := range []struct {
		flag string
		into *string
	}{{"ca-file", &e.CAFile}, {"cert-file", &e.CertFile}, {"key-file", &e.KeyFile}} {
		if file := s.String(each.flag); file != "" {
			path, err := filepath.Abs(file)
			if err != nil {
				return exit.Unable(err)
			}
			*each.into = path
		}
	}
	return nil
}
