package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func repositoryCommand() *cli.Command {
	return &cli.Command{
		Name: "repository", Category: categoryTags,
		Usage: "watch whole repositories: their tags as they appear",
		Description: `The tags of a watched repository are subscribed as they appear, and repo_update
tells of new ones. The first listing is silent.

   tagwatch repository watch registry.example.com/shop/web --include 'v*' --exclude '*-rc*'
   tagwatch repository list`,
		Subcommands: []*cli.Command{repositoryWatchCommand(), repositoryUnwatchCommand(), repositoryListCommand()},
	}
}

func repositoryWatchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "watch the tags of a repository as they appear",
		UsageText: "tagwatch repository watch REPOSITORY [options]",
		Description: `Patterns are globs: * for any characters, ? for one, [a-z] for one of a set.
Watching again replaces the options.

   tagwatch repository watch registry.example.com/shop/web
   tagwatch repository watch docker.io/library/nginx --include '1.2?' --type vuln_update --endpoint ops`,
		Flags: append(subscriptionFlags(),
			&cli.StringSliceFlag{Name: "include", Usage: "only tags that match this `glob`; repeatable"},
			&cli.StringSliceFlag{Name: "exclude", Usage: "no tags that match this `glob`; repeatable"},
			&cli.BoolFlag{Name: "artifacts", Usage: "also tags that hold signatures, attestations and SBOMs"},
			&cli.DurationFlag{Name: "list-interval", Usage: "how often tags are listed, at least 30s (default: the worker's --pass)"}),
		Action: action(repositoryWatch),
	}
}

func repositoryWatch(ctx context.Context, s *session) error {
	repository, err := s.repositoryOfFlags()
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	for _, name := range repository.Options.Endpoints {
		if _, err := kept.Endpoint(ctx, name); err != nil {
			if errors.Is(err, fault.NotFound) {
				return noEndpoint(name)
			}
			return err
		}
	}
	linked, err := s.temporal(ctx) // before anything is stored
	if err != nil {
		return err
	}
	if err := kept.SaveRepository(ctx, repository, s.now); err != nil {
		return err
	}
	if err := linked.client.WakeRepository(ctx, repository.Name); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is watched; see: tagwatch repository list\n", repository.Name)
	return nil
}

func (s *session) repositoryOfFlags() (r watch.Repository, err error) {
	if r.Name, err = s.repositoryArgument(); err != nil {
		return r, err
	}
	if r.Types, err = s.types(event.TagTypes); err != nil {
		return r, err
	}
	if len(r.Types) == 0 {
		r.Types = event.TagTypes
	}
	if r.Options, err = s.options(); err != nil {
		return r, err
	}
	if r.Platform, err = image.ParsePlatform(s.String("platform")); err != nil {
		return r, unable(err)
	}
	if r.Poll, err = s.interval("interval"); err != nil {
		return r, err
	}
	if r.List, err = s.interval("list-interval"); err != nil {
		return r, err
	}
	r.Filter = watch.Filter{Include: s.StringSlice("include"), Exclude: s.StringSlice("exclude"), Artifacts: s.Bool("artifacts")}
	return r, unable(r.Filter.Validate())
}

func (s *session) repositoryArgument() (image.Repository, error) {
	text, err := s.argument("REPOSITORY")
	if err != nil {
		return image.Repository{}, err
	}
	name, err := image.ParseRepository(text)
	return name, unable(err)
}

func repositoryUnwatchCommand() *cli.Command {
	return &cli.Command{
		Name:        "unwatch",
		Usage:       "watch a repository no longer",
		UsageText:   "tagwatch repository unwatch REPOSITORY",
		Description: "The subscriptions of its tags stay until they are ended with tagwatch unsubscribe.\n\n   tagwatch repository unwatch registry.example.com/shop/web",
		Action:      action(repositoryUnwatch),
	}
}

func repositoryUnwatch(ctx context.Context, s *session) error {
	name, err := s.repositoryArgument()
	if err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := kept.DeleteRepository(ctx, name); err != nil {
		if errors.Is(err, fault.NotFound) {
			return refused("%s is not watched; see: tagwatch repository list", name)
		}
		return err
	}
	fmt.Fprintf(s.out, "%s is no longer watched\n", name)
	linked, err := s.temporal(ctx)
	if err == nil {
		err = linked.client.WakeRepository(ctx, name)
	}
	if err != nil {
		s.say("Its workflow was not told and ends later: %s", sentence(err))
	}
	return nil
}

func repositoryListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the watched repositories",
		UsageText:   "tagwatch repository list [options]",
		Description: "   tagwatch repository list\n   tagwatch repository list -o json",
		Flags:       []cli.Flag{outputFlag()},
		Action:      action(repositoryList),
	}
}

// repositoryView is a watched repository for programs.
type repositoryView struct {
	watch.Repository
	Tags    []string     `json:"tags"`
	Checked time.Time    `json:"checked,omitzero"`
	Problem *problemView `json:"problem,omitempty"`
}

func repositoryList(ctx context.Context, s *session) error {
	if _, err := s.arguments(); err != nil {
		return err
	}
	kept, err := s.store(ctx)
	if err != nil {
		return err
	}
	repositories, err := kept.Repositories(ctx)
	if err != nil {
		return err
	}
	views := []repositoryView{}
	for _, r := range repositories {
		_, state, err := kept.Repository(ctx, r.Name)
		if err != nil {
			return err
		}
		views = append(views, repositoryView{r, append([]string{}, state.Tags...), state.Checked, problemViewOf(state.Problem)})
	}
	return s.show(views, func(w io.Writer) { s.writeRepositories(w, views) })
}

func (s *session) writeRepositories(w io.Writer, views []repositoryView) {
	if len(views) == 0 {
		s.say("No repository; watch one with: tagwatch repository watch REPOSITORY")
		return
	}
	t := newTable("REPOSITORY", "TAGS", "INCLUDE", "EXCLUDE", "TYPES", "LISTED", "PROBLEM")
	for _, v := range views {
		look, problem := ordinary, ""
		if v.Problem != nil {
			look, problem = doubtful, v.Problem.Message
		}
		t.row(look, v.Name.String(), strconv.Itoa(len(v.Tags)), dash(strings.Join(v.Filter.Include, " ")),
			dash(strings.Join(v.Filter.Exclude, " ")), list(v.Types), s.ago(v.Checked), problem)
	}
	t.write(w)
}
