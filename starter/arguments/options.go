// Package arguments reads the options and arguments that several commands share:
// tags, platforms, notification types, labels, policy bundles. It also explains
// what is wrong with a command line.
package arguments

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// OfEndpoint explains the error of looking up an endpoint.
func OfEndpoint(name string, err error) error {
	if errors.Is(err, errkind.NotFound) {
		return exit.Refused("endpoint %q not found; see: tagwatch endpoint list", name)
	}
	return err
}

func Labels(s *session.Session) (map[string]string, error) {
	var labels map[string]string
	for _, given := range Several(s, "label") {
		name, value, found := strings.Cut(given, "=")
		if !found {
			return nil, exit.Usage("invalid value for --label: expected NAME=value, such as team=payments")
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	return labels, nil
}

func PlatformFlag() cli.Flag {
	return &cli.StringFlag{Name: "platform", Usage: "`os/arch` of a multi-platform image (default: linux/amd64)"}
}

func PlatformsFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "platform", Usage: "`os/arch` of a multi-platform image (default: linux/amd64); repeatable, each platform is watched separately"}
}

func TypeFlag(meaning string) cli.Flag {
	return &cli.StringSliceFlag{Name: "type", Aliases: []string{"t"}, Usage: "`type` " + meaning + "; repeatable, or comma-separated"}
}

// SubscriptionFlags narrow what is notified, of a tag or of a repository.
func SubscriptionFlags() []cli.Flag {
	flags := append([]cli.Flag{
		TypeFlag("of notification to subscribe to (default: all of a tag but runtime_update)"),
		&cli.StringSliceFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "`name` of an endpoint to notify (default: all except those with --explicit); repeatable"},
		PlatformsFlag(),
		&cli.DurationFlag{Name: "interval", Usage: "how often to check the tag, at least 30s", DefaultText: "the worker's --poll"},
		&cli.StringFlag{Name: "min-severity", Usage: "notify only of vulnerabilities of this `severity` and above"},
		&cli.BoolFlag{Name: "fixable-only", Usage: "notify only of vulnerabilities that have a fix"},
	},
		FilterFlags()...)
	return append(flags, []cli.Flag{
		&cli.Float64Flag{Name: "epss", Usage: "also send vuln_update when the EPSS `probability` crosses this value, such as 0.1"},
		&cli.BoolFlag{Name: "every-action", Usage: "also send policy_eval when the final action changes between go and warn"},
		&cli.StringSliceFlag{Name: "label", Usage: "`key=value` label, for endpoints that select by label; repeatable"},
		&cli.StringSliceFlag{Name: "cause", Usage: "notify only of changes with this `cause`: image, feed, policy, acceptance, time, scanner (default: all); repeatable"},
	}...)
}

// FilterFlags choose findings and notifications by an expression.
func FilterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "when", Usage: "notify only of what matches this CEL `expression`, such as 'severity >= high || known_exploited'; all names: tagwatch filters"},
		&cli.BoolFlag{Name: "no-known-exploited-override", Usage: "apply the filters also to what has become known to be exploited"},
	}
}

// Filter reads and checks --when.
func Filter(s *session.Session) (string, error) {
	text := s.String("when")
	if text == "" {
		return "", nil
	}
	if _, err := filter.Compile(text); err != nil {
		return "", exit.Usage("invalid --when: %w", err)
	}
	return text, nil
}

// Several is a repeatable option whose values may be lists with commas.
func Several(s *session.Session, name string) []string {
	var values []string
	for _, given := range s.StringSlice(name) {
		for value := range strings.SplitSeq(given, ",") {
			if value = strings.TrimSpace(value); value != "" && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
	}
	return values
}

// Whole is the value of a repeatable option whose values may hold commas.
type Whole []string

// Set implements cli.Generic.
func (w *Whole) Set(value string) error {
	*w = append(*w, value)
	return nil
}

// String implements cli.Generic.
func (w *Whole) String() string { return strings.Join(*w, " ") }

func WholeValues(s *session.Session, name string) []string {
	values, _ := s.Generic(name).(*Whole)
	if values == nil {
		return nil
	}
	return *values
}

// Named are the values of a repeatable option, which the operation checks.
func Named[T ~string](s *session.Session, name string) []T {
	var values []T
	for _, text := range Several(s, name) {
		values = append(values, T(text))
	}
	return values
}

func Types(s *session.Session, allowed []notification.Type) ([]notification.Type, error) {
	var types []notification.Type
	for _, text := range Several(s, "type") {
		t := notification.Type(text)
		if !slices.Contains(allowed, t) {
			return nil, exit.Usage("invalid value %q for --type: expected one of %s", text, wording.List(allowed))
		}
		types = append(types, t)
	}
	return types, nil
}

// Target is the one argument with --platform.
func Target(s *session.Session) (image.Target, error) {
	reference, err := s.Argument("REF")
	if err != nil {
		return image.Target{}, err
	}
	target, _, err := image.ParsePinned(reference)
	if err != nil {
		return target, exit.Unable(err)
	}
	platform, err := image.ParsePlatform(s.String("platform"))
	if err != nil {
		return target, exit.Unable(err)
	}
	if platform != (image.Platform{}) {
		target.Platform = platform
	}
	return target, nil
}

// Platforms are those of a repeatable --platform.
func Platforms(s *session.Session) ([]image.Platform, error) {
	var platforms []image.Platform
	for _, text := range Several(s, "platform") {
		platform, err := image.ParsePlatform(text)
		if err != nil {
			return nil, exit.Unable(err)
		}
		platforms = append(platforms, platform)
	}
	return platforms, nil
}

func severity(s *session.Session, flag string) (vuln.Severity, error) {
	text := s.String(flag)
	if text == "" {
		return "", nil
	}
	severity := vuln.ParseSeverity(text)
	if !strings.EqualFold(string(severity), text) {
		return "", exit.Usage("invalid value %q for --%s: expected one of %s", text, flag, wording.List(vuln.Severities))
	}
	return severity, nil
}

// Options puts the options of SubscriptionFlags that are given, except types, platforms and
// interval, over others.
func Options(s *session.Session, options subscription.Options) (_ subscription.Options, err error) {
	if s.IsSet("endpoint") {
		options.Endpoints = Several(s, "endpoint")
	}
	if s.IsSet("fixable-only") {
		options.FixableOnly = s.Bool("fixable-only")
	}
	if s.IsSet("every-action") {
		options.EveryAction = s.Bool("every-action")
	}
	if s.IsSet("cause") {
		if options.Causes, err = causes(s); err != nil {
			return options, err
		}
	}
	if s.IsSet("label") {
		if options.Labels, err = Labels(s); err != nil {
			return options, err
		}
		if err := endpoint.ValidateLabels(options.Labels); err != nil {
			return options, exit.Usage("%w", err)
		}
	}
	if s.IsSet("epss") {
		if options.EPSS = s.Float64("epss"); !(options.EPSS >= 0 && options.EPSS < 1) {
			return options, exit.Usage("invalid value %g for --epss: expected a probability from 0 to 1, such as 0.1", options.EPSS)
		}
	}
	if s.IsSet("when") {
		if options.When, err = Filter(s); err != nil {
			return options, err
		}
	}
	if s.IsSet("no-known-exploited-override") {
		options.ExploitedFiltered = s.Bool("no-known-exploited-override")
	}
	if s.IsSet("min-severity") {
		options.MinSeverity, err = severity(s, "min-severity")
	}
	return options, err
}

func causes(s *session.Session) ([]notification.Cause, error) {
	var wanted []notification.Cause
	for _, text := range Several(s, "cause") {
		if !slices.Contains(notification.Causes, notification.Cause(text)) {
			return nil, exit.Usage("invalid value %q for --cause: expected one of %s", text, wording.List(notification.Causes))
		}
		wanted = append(wanted, notification.Cause(text))
	}
	return wanted, nil
}

// Interval is a duration option that is zero or long enough.
func Interval(s *session.Session, flag string) (time.Duration, error) {
	every := s.Duration(flag)
	if s.IsSet(flag) && every < config.MinPoll {
		return 0, exit.Usage("invalid value %[2]s for --%[1]s: expected at least %[3]s", flag, every, config.MinPoll)
	}
	return every, nil
}
