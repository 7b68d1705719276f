// Package repositories has the commands about watched repositories.
package repositories

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
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
	name, err := repositoryArgument(s)
	if err != nil {
		return err
	}
	repository, err := repositoryOfFlags(s, taglist.Repository{Name: name})
	if err != nil {
		return err
	}
	watched, err := operations.ShowRepository.Run(ctx, s.System(), operations.RepositoryRequest{Name: name.String()})
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return err
	}
	if err == nil {
		sayOtherName(s, name, watched.Name)
	}
	return watchRepository(ctx, s, repository, operations.Conditional{})
}

func repositoryUpdate(ctx context.Context, s *session.Session) error {
	name, err := repositoryArgument(s)
	if err != nil {
		return err
	}
	watched, err := operations.ShowRepository.Run(ctx, s.System(), operations.RepositoryRequest{Name: name.String()})
	if refusal, is := errors.AsType[*operations.Refusal](err); is && refusal.Hint != "" && errors.Is(err, errkind.NotFound) {
		return exit.Refused("%s; watch it with: tagwatch repository watch %s", refusal.Text, name)
	}
	if err != nil {
		return err
	}
	sayOtherName(s, name, watched.Name)
	repository, err := repositoryOfFlags(s, watched.Repository.Repository)
	if err != nil {
		return err
	}
	return watchRepository(ctx, s, repository, operations.Conditional{IfMatch: watched.EditionTag()})
}

func watchRepository(ctx context.Context, s *session.Session, repository taglist.Repository, condition operations.Conditional) error {
	settings := operations.RepositorySettingsOf(repository)
	var plan *taglist.Plan
	var err error
	if !s.Bool("no-verify") || s.Bool("dry-run") {
		if plan, err = planRepository(ctx, s, settings); err != nil {
			return err
		}
	}
	if s.Bool("dry-run") {
		return s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) })
	}
	if plan != nil {
		if err := operations.RefusePlan(*plan); err != nil {
			return err
		}
	}
	saved, err := operations.SaveRepository.Run(ctx, s.System(), operations.RepositoryChange{Conditional: condition, RepositorySettings: settings, Unverified: true})
	if err != nil {
		return err
	}
	saved.Plan = plan
	return showWatched(s, saved)
}

func planRepository(ctx context.Context, s *session.Session, settings operations.RepositorySettings) (*taglist.Plan, error) {
	task, err := operations.PlanRepository.Run(ctx, s.System(), settings)
	if err != nil {
		return nil, err
	}
	result, err := s.FollowTask(ctx, task, "nothing was changed")
	if err == nil && result.Plan == nil {
		err = fmt.Errorf("the plan for %s is missing from the answer", settings.Name)
	}
	return result.Plan, err
}

func showWatched(s *session.Session, saved operations.SavedRepository) error {
	return s.Show(saved, func(w io.Writer) {
		writeWatched(s, w, saved)
		if saved.Delayed != "" {
			s.Say("Saved. The repository's workflow shows it later: %s", saved.Delayed)
		}
	})
}

func writeWatched(s *session.Session, w io.Writer, saved operations.SavedRepository) {
	plan := saved.Plan
	if plan == nil {
		fmt.Fprintf(w, "%s is watched; see: tagwatch repository list\n", saved.Name)
		return
	}
	fmt.Fprintf(w, "%s is watched: %d of %s%s\n", saved.Name, plan.Selected, wording.Count(plan.Tags, "tag"), changeLine(plan.Change))
	sayNamesakes(s, plan)
	if plan.Selected == 0 {
		s.Say("No tag matches yet; to see why:  tagwatch repository update %s --dry-run", saved.Name)
	}
}

func repositoryArgument(s *session.Session) (image.Repository, error) {
	text, err := s.Argument("REPOSITORY")
	if err != nil {
		return image.Repository{}, err
	}
	name, err := image.ParseRepository(text)
	return name, exit.Unable(err)
}

// sayOtherName says by which other name a repository is watched.
func sayOtherName(s *session.Session, name, watched image.Repository) {
	if watched != name {
		s.Say("%s is already watched as %s", name, watched)
	}
}
