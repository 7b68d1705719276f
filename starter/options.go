package main

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func platformFlag() cli.Flag {
	return &cli.StringFlag{Name: "platform", Usage: "`os/arch` to take from an image of several platforms (default: linux/amd64)"}
}

// platformsFlag is platformFlag for commands that do the same for several.
func platformsFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "platform", Usage: "`os/arch` to take from an image of several platforms (default: linux/amd64); repeatable, each is watched by itself"}
}

func typeFlag(meaning string) cli.Flag {
	return &cli.StringSliceFlag{Name: "type", Aliases: []string{"t"}, Usage: "`type` " + meaning + "; repeatable, or a list with commas"}
}

// subscriptionFlags narrow what is notified, of a tag or of a repository.
func subscriptionFlags() []cli.Flag {
	return []cli.Flag{
		typeFlag("of notification to subscribe to (default: all four of a tag)"),
		&cli.StringSliceFlag{Name: "endpoint", Aliases: []string{"e"}, Usage: "`name` of an endpoint to tell (default: all that are not reserved); repeatable"},
		platformsFlag(),
		&cli.DurationFlag{Name: "interval", Usage: "how often the tag is looked at, at least 30s", DefaultText: "the worker's --poll"},
		&cli.StringFlag{Name: "min-severity", Usage: "drop changes of vulnerabilities below this `severity` from vuln_update"},
		&cli.BoolFlag{Name: "fixable-only", Usage: "drop changes of vulnerabilities without a fix from vuln_update"},
		&cli.Float64Flag{Name: "epss", Usage: "vuln_update also when the `probability` of exploitation (EPSS) crosses this one, as in 0.1"},
		&cli.BoolFlag{Name: "every-action", Usage: "policy_eval also when the final action changes between go and warn"},
		&cli.StringSliceFlag{Name: "label", Usage: "`key=value` for endpoints that receive only what has that label; repeatable"},
		&cli.StringSliceFlag{Name: "cause", Usage: "tell only changes of this `cause`: image, feed, policy, time, scanner (default: all); repeatable"},
	}
}

// several is a repeatable option whose values may be lists with commas.
func (s *session) several(name string) []string {
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

// whole is the value of a repeatable option whose values may hold commas.
type whole []string

// Set implements cli.Generic.
func (w *whole) Set(value string) error {
	*w = append(*w, value)
	return nil
}

// String implements cli.Generic.
func (w *whole) String() string { return strings.Join(*w, " ") }

func (s *session) whole(name string) []string {
	values, _ := s.Generic(name).(*whole)
	if values == nil {
		return nil
	}
	return *values
}

// types are those of --type, of which the allowed ones are accepted.
func (s *session) types(allowed []event.Type) ([]event.Type, error) {
	var types []event.Type
	for _, text := range s.several("type") {
		t := event.Type(text)
		if !slices.Contains(allowed, t) {
			return nil, usage("notification type %q (--type) is not one of %s", text, list(allowed))
		}
		types = append(types, t)
	}
	return types, nil
}

// target is the one argument with --platform.
func (s *session) target() (image.Target, error) {
	reference, err := s.argument("REF")
	if err != nil {
		return image.Target{}, err
	}
	target, err := image.ParseTarget(reference)
	if err != nil {
		return target, unable(err)
	}
	platform, err := image.ParsePlatform(s.String("platform"))
	if err != nil {
		return target, unable(err)
	}
	if platform != (image.Platform{}) {
		target.Platform = platform
	}
	return target, nil
}

// targets are the arguments, each with all of --platform.
func (s *session) targets(texts []string) ([]image.Target, error) {
	targets, failures, err := s.readable(texts)
	if err == nil && len(failures) > 0 {
		err = failures[0]
	}
	return targets, err
}

// readable are the targets of those arguments that name any, and what is wrong
// with the others.
func (s *session) readable(texts []string) (targets []image.Target, failures []error, err error) {
	platforms, err := s.platforms()
	if err != nil {
		return nil, nil, err
	}
	for _, text := range texts {
		target, err := image.ParseTarget(text)
		if err != nil {
			failures = append(failures, unable(err))
			continue
		}
		if len(platforms) == 0 {
			targets = append(targets, target)
		}
		for _, platform := range platforms {
			target.Platform = platform
			targets = append(targets, target)
		}
	}
	return targets, failures, nil
}

// platforms are those of a repeatable --platform.
func (s *session) platforms() ([]image.Platform, error) {
	var platforms []image.Platform
	for _, text := range s.several("platform") {
		platform, err := image.ParsePlatform(text)
		if err != nil {
			return nil, unable(err)
		}
		platforms = append(platforms, platform)
	}
	return platforms, nil
}

func (s *session) severity(flag string) (vuln.Severity, error) {
	text := s.String(flag)
	if text == "" {
		return "", nil
	}
	severity := vuln.ParseSeverity(text)
	if !strings.EqualFold(string(severity), text) {
		return "", usage("severity %q (--%s) is not one of %s", text, flag, list(vuln.Severities))
	}
	return severity, nil
}

// options are the subscriptionFlags without types, platforms and interval: those
// that are given, over others.
func (s *session) options(options event.Options) (_ event.Options, err error) {
	if s.IsSet("endpoint") {
		options.Endpoints = s.several("endpoint")
	}
	if s.IsSet("fixable-only") {
		options.FixableOnly = s.Bool("fixable-only")
	}
	if s.IsSet("every-action") {
		options.EveryAction = s.Bool("every-action")
	}
	if s.IsSet("cause") {
		if options.Causes, err = s.causes(); err != nil {
			return options, err
		}
	}
	if s.IsSet("label") {
		if options.Labels, err = s.labels(); err != nil {
			return options, err
		}
		if err := event.ValidateLabels(options.Labels); err != nil {
			return options, usage("%s", err)
		}
	}
	if s.IsSet("epss") {
		if options.EPSS = s.Float64("epss"); !(options.EPSS >= 0 && options.EPSS < 1) {
			return options, usage("probability %g (--epss) is not between 0 and 1; 0.1 stands for ten percent", options.EPSS)
		}
	}
	if s.IsSet("min-severity") {
		options.MinSeverity, err = s.severity("min-severity")
	}
	return options, err
}

func (s *session) causes() ([]event.Cause, error) {
	var wanted []event.Cause
	for _, text := range s.several("cause") {
		if !slices.Contains(event.Causes, event.Cause(text)) {
			return nil, usage("cause %q (--cause) is not one of %s", text, list(event.Causes))
		}
		wanted = append(wanted, event.Cause(text))
	}
	return wanted, nil
}

// interval is a duration option that is zero or long enough.
func (s *session) interval(flag string) (time.Duration, error) {
	every := s.Duration(flag)
	if s.IsSet(flag) && every < config.MinPoll {
		return 0, usage("--%s %s is too short; at least %s", flag, every, config.MinPoll)
	}
	return every, nil
}
