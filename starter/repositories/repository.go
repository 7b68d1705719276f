// Package repositories has the commands about watched repositories.
package repositories

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

func Command() *cli.Command {
	return &cli.Command{
		Name:  "repository",
		Usage: "watch whole repositories and their new tags",
		Description: `Tagwatch subscribes to the tags of a watched repository as they appear and sends
repo_update for new ones. The first listing sends nothing.

   tagwatch repository watch registry.example.com/shop/web --include 'v*' --exclude '*-rc*'
   tagwatch repository watch docker.io/library/nginx --semver '~1.27' --newest 3 --dry-run
   tagwatch repository update docker.io/library/nginx --newest 5
   tagwatch repository list`,
		Subcommands: []*cli.Command{repositoryWatchCommand(), repositoryUpdateCommand(), repositoryUnwatchCommand(), repositoryListCommand()},
	}
}

const patternHelp = `In globs, * matches any characters, ? one character, [a-z] one of a set. Regular
expressions use Go syntax and match the whole tag; a group (?P<version>...) marks
the version.

--semver, --newest, --suffix and --prereleases select by version: 1.27.3, v1.27,
22.04, 2024.10.3, 2024-10-03; missing numbers count as 0. Text after the numbers
is a prerelease (rc1, beta.2) or a suffix (alpine3.20). Tags with either are
excluded unless --suffix or --prereleases includes them. Tags that are not
versions are excluded too, unless --always names them.

Tags of signatures, attestations and SBOMs are excluded unless --artifacts is
given.`

func repositoryWatchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "watch a repository and its new tags",
		UsageText: "tagwatch repository watch REPOSITORY [options]",
		Description: patternHelp + `

Repeating the command replaces all options; repository update changes some. Tags
that are already watched keep their state.

   tagwatch repository watch registry.example.com/shop/web
   tagwatch repository watch docker.io/library/nginx --semver '>=1.25 <2' --newest 5 --always latest --dry-run
   tagwatch repository watch docker.io/library/nginx --semver '~1.27' --suffix 'alpine*'
   tagwatch repository watch docker.io/library/ubuntu --semver '>=22.04' --platform linux/amd64,linux/arm64
   tagwatch repository watch docker.io/library/nginx --regex '1\.2\d' --type vuln_update --endpoint ops`,
		Flags:  repositoryFlags(),
		Action: session.Action(repositoryWatch),
	}
}

func repositoryUpdateCommand() *cli.Command {
	return &cli.Command{
		Name:      "update",
		Usage:     "change the options of a watched repository",
		UsageText: "tagwatch repository update REPOSITORY [options]",
		Description: `Changes the given options and keeps the others; an empty value, such as
--exclude '', removes an option. The change applies at once. Newly selected tags
are watched without a repo_update, because they are not new in the repository.
Tags that are no longer selected stop without a notification; selected again
within --retention, they continue from their last state.

` + patternHelp + `

   tagwatch repository update docker.io/library/nginx --newest 5 --dry-run
   tagwatch repository update docker.io/library/nginx --newest 5
   tagwatch repository update docker.io/library/nginx --exclude '' --interval 1m`,
		Flags:  repositoryFlags(),
		Action: session.Action(repositoryUpdate),
	}
}

func repositoryWatch(ctx context.Context, s *session.Session) error {
	name, err := repositoryArgument(ctx, s)
	if err != nil {
		return err
	}
	return watchRepository(ctx, s, taglist.Repository{Name: name})
}

func repositoryUpdate(ctx context.Context, s *session.Session) error {
	name, err := repositoryArgument(ctx, s)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	stored, _, err := kept.Repository(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return exit.Refused("%s is not watched; watch it with: tagwatch repository watch %s", name, name)
	}
	if err != nil {
		return err
	}
	return watchRepository(ctx, s, stored)
}

// watchRepository watches a repository with the options that are given over
// those that it has.
func watchRepository(ctx context.Context, s *session.Session, repository taglist.Repository) error {
	repository, err := repositoryOfFlags(s, repository)
	if err != nil {
		return err
	}
	if err := knownEndpoints(ctx, s, repository.Options.Endpoints); err != nil {
		return err
	}
	linked, err := s.Temporal(ctx) // before anything is stored
	if err != nil {
		return err
	}
	var plan *taglist.Plan
	if !s.Bool("no-verify") || s.Bool("dry-run") {
		if plan, err = planRepository(ctx, linked, repository); err != nil {
			return err
		}
	}
	if s.Bool("dry-run") {
		return s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) })
	}
	if plan != nil && plan.Problem != "" {
		return exit.Refused("%s", plan.Problem)
	}
	if err := s.Stored.SaveRepository(ctx, repository, s.Now); err != nil {
		return err
	}
	if err := linked.Client.WakeRepository(ctx, repository.Name, watcher.WakeSettings); err != nil {
		return err
	}
	return showWatched(s, repository, plan)
}

// planTimeout is how long a worker may take to list a repository.
const planTimeout = 10 * time.Minute

func planRepository(ctx context.Context, l *session.Link, repository taglist.Repository) (*taglist.Plan, error) {
	var plan taglist.Plan
	err := l.Ask(ctx, "list the tags of "+repository.Name.String(), planTimeout, func(ctx context.Context) (err error) {
		plan, err = l.Client.PlanRepository(ctx, repository)
		return err
	})
	return &plan, err
}

// knownEndpoints refuses the name of an endpoint that does not exist.
func knownEndpoints(ctx context.Context, s *session.Session, names []string) error {
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := kept.Endpoint(ctx, name); err != nil {
			return arguments.OfEndpoint(name, err)
		}
	}
	return nil
}

// watchedRepository is what came of watching a repository, for programs.
type watchedRepository struct {
	taglist.Repository
	// Plan is missing if the registry was not asked.
	Plan *taglist.Plan `json:"plan,omitempty"`
}

func showWatched(s *session.Session, repository taglist.Repository, plan *taglist.Plan) error {
	return s.Show(watchedRepository{repository, plan}, func(w io.Writer) {
		if plan == nil {
			fmt.Fprintf(w, "%s is watched; see: tagwatch repository list\n", repository.Name)
			return
		}
		fmt.Fprintf(w, "%s is watched: %d of %s%s\n", repository.Name, plan.Selected, wording.Count(plan.Tags, "tag"), changeLine(plan.Change))
		sayNamesakes(s, plan)
		if plan.Selected == 0 {
			s.Say("No tag matches yet; to see why:  tagwatch repository update %s --dry-run", repository.Name)
		}
	})
}

// repositoryArgument is the argument, under the name by which the repository is
// watched.
func repositoryArgument(ctx context.Context, s *session.Session) (image.Repository, error) {
	text, err := s.Argument("REPOSITORY")
	if err != nil {
		return image.Repository{}, err
	}
	name, err := image.ParseRepository(text)
	if err != nil {
		return name, exit.Unable(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return name, nil // the command says so once it needs the database
	}
	watched, err := kept.WatchedAs(ctx, name)
	if err != nil || len(watched) == 0 || slices.ContainsFunc(watched, func(r taglist.Repository) bool { return r.Name == name }) {
		return name, err
	}
	s.Say("%s is already watched as %s", name, watched[0].Name)
	return watched[0].Name, nil
}
