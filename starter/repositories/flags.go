package repositories

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func repositoryFlags() []cli.Flag {
	return append(arguments.SubscriptionFlags(),
		&cli.StringSliceFlag{Name: "include", Usage: "only tags that match this `glob` or a --regex; repeatable"},
		&cli.StringSliceFlag{Name: "exclude", Usage: "exclude tags that match this `glob`; repeatable"},
		&cli.GenericFlag{Name: "regex", Value: &arguments.Whole{}, Usage: "only tags that match this `expression` or an --include; repeatable"},
		&cli.GenericFlag{Name: "exclude-regex", Value: &arguments.Whole{}, Usage: "exclude tags that match this `expression`; repeatable"},
		&cli.StringFlag{Name: "semver", Usage: "only versions in this `range`: '>=1.25 <2', '~1.27', '^1', '22.04 || 24.04'"},
		&cli.IntFlag{Name: "newest", Usage: "only the newest `N` versions, for each --suffix", DefaultText: "all"},
		&cli.StringSliceFlag{Name: "suffix", Usage: "versions whose suffix matches this `glob`, such as 'alpine*'; default '' (no suffix); repeatable"},
		&cli.BoolFlag{Name: "prereleases", Usage: "include prereleases such as 1.28.0-rc1"},
		&cli.StringSliceFlag{Name: "always", Usage: "always watch tags that match this `glob`, such as latest, regardless of --include, --regex and versions; repeatable"},
		&cli.BoolFlag{Name: "artifacts", Usage: "include tags of signatures, attestations and SBOMs"},
		&cli.IntFlag{Name: "max-tags", Usage: "fail if more than `N` tags are selected", DefaultText: strconv.Itoa(taglist.DefaultMost)},
		&cli.DurationFlag{Name: "list-interval", Usage: "how often to list the tags, at least 30s", DefaultText: "the worker's --resync"},
		&cli.BoolFlag{Name: "dry-run", Usage: "only show which tags would be watched, and why others would not"},
		&cli.BoolFlag{Name: "no-verify", Usage: "do not check that the repository exists in the registry"},
		session.OutputFlag())
}

// repositoryOfFlags puts the options that are given over those of a repository.
func repositoryOfFlags(s *session.Session, r taglist.Repository) (_ taglist.Repository, err error) {
	if r, err = subscriptionOfFlags(s, r); err != nil {
		return r, err
	}
	if s.IsSet("list-interval") {
		if r.List, err = arguments.Interval(s, "list-interval"); err != nil {
			return r, err
		}
	}
	if s.IsSet("max-tags") {
		if r.Most = s.Int("max-tags"); r.Most < 0 {
			return r, exit.Usage("invalid value %d for --max-tags: expected 0 or more", r.Most)
		}
	}
	r.Filter = filterOfFlags(s, r.Filter)
	return r, exit.Unable(r.Filter.Validate())
}

// subscriptionOfFlags are the options of the tags' subscriptions.
func subscriptionOfFlags(s *session.Session, r taglist.Repository) (_ taglist.Repository, err error) {
	if s.IsSet("type") || len(r.Types) == 0 {
		if r.Types, err = arguments.Types(s, notification.TagTypes); err != nil {
			return r, err
		}
	}
	if len(r.Types) == 0 {
		r.Types = notification.DefaultTypes
	}
	if r.Options, err = arguments.Options(s, r.Options); err != nil {
		return r, err
	}
	if s.IsSet("platform") {
		if r.Platforms, err = arguments.Platforms(s); err != nil {
			return r, err
		}
		r.Platform = image.Platform{}
		if len(r.Platforms) == 1 {
			r.Platform, r.Platforms = r.Platforms[0], nil
		}
	}
	if s.IsSet("interval") {
		r.Poll, err = arguments.Interval(s, "interval")
	}
	return r, err
}

func filterOfFlags(s *session.Session, f taglist.Filter) taglist.Filter {
	globs := map[string]*[]string{"include": &f.Include, "exclude": &f.Exclude, "always": &f.Keep}
	for name, into := range globs {
		if s.IsSet(name) {
			*into = arguments.Several(s, name)
		}
	}
	expressions := map[string]*[]string{"regex": &f.Regex, "exclude-regex": &f.ExcludeRegex}
	for name, into := range expressions {
		if s.IsSet(name) {
			*into = given(arguments.WholeValues(s, name))
		}
	}
	if s.IsSet("suffix") {
		f.Suffixes = s.StringSlice("suffix") // of which an empty one says something
	}
	if s.IsSet("semver") {
		f.Versions = s.String("semver")
	}
	if s.IsSet("newest") {
		f.Newest = s.Int("newest")
	}
	if s.IsSet("prereleases") {
		f.Prereleases = s.Bool("prereleases")
	}
	if s.IsSet("artifacts") {
		f.Artifacts = s.Bool("artifacts")
	}
	return f
}

// given are the values that are not empty.
func given(values []string) []string {
	var kept []string
	for _, value := range values {
		if value != "" {
			kept = append(kept, value)
		}
	}
	return kept
}
