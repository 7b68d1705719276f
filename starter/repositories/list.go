package repositories

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func repositoryListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the watched repositories",
		UsageText:   "tagwatch repository list [options]",
		Description: "   tagwatch repository list\n   tagwatch repository list -o json",
		Flags:       session.ListFlags(),
		Action:      session.Bare(repositoryList),
	}
}

func repositoryList(ctx context.Context, s *session.Session) error {
	all, err := operations.All(func(page operations.Page) ([]operations.Repository, string, error) {
		list, err := operations.ListRepositories.Run(ctx, s.System(), operations.RepositoriesRequest{Page: page})
		return list.Repositories, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Repository]{Items: all, Name: func(v operations.Repository) string { return v.Name.String() }, People: func(w io.Writer, all []operations.Repository) { writeRepositories(s, w, all) }})
}

func writeRepositories(s *session.Session, w io.Writer, views []operations.Repository) {
	if len(views) == 0 {
		s.Say("No repository is watched yet; watch one with: tagwatch repository watch REPOSITORY")
		return
	}
	t := output.NewTable("REPOSITORY", "TAGS", "FILTER", "TYPES", "PLATFORMS", "LABELS", "LISTED", "PROBLEM").Drop("LABELS", "PLATFORMS", "TYPES", "FILTER")
	for _, v := range views {
		style, problem := output.Ordinary, ""
		if v.Problem != nil {
			style, problem = output.Doubtful, v.Problem.Message
		}
		t.Row(style, v.Name.String(), share(v), output.Dash(filterLine(v.Filter)), wording.List(v.Types), output.Dash(platformLine(v.Repository)), output.Dash(output.Assignments(v.Options.Labels)), s.Ago(v.Checked), problem)
	}
	t.Write(w)
}

// share is how many tags are watched of how many.
func share(v operations.Repository) string {
	if v.Listed == 0 {
		return strconv.Itoa(len(v.Tags))
	}
	return fmt.Sprintf("%d of %d", len(v.Tags), v.Listed)
}

func platformLine(r taglist.Repository) string {
	var platforms []string
	for _, target := range r.Targets("latest") {
		platforms = append(platforms, target.Platform.String())
	}
	return strings.Join(platforms, " ")
}

// filterLine is a filter as people would write it.
func filterLine(f taglist.Filter) string {
	var parts []string
	add := func(option string, values ...string) {
		for _, value := range values {
			parts = append(parts, "--"+option+" "+quoted(value))
		}
	}
	add("include", f.Include...)
	add("regex", f.Regex...)
	if f.Versions != "" {
		add("semver", f.Versions)
	}
	add("suffix", f.Suffixes...)
	if f.Newest > 0 {
		add("newest", strconv.Itoa(f.Newest))
	}
	if f.Prereleases {
		parts = append(parts, "--prereleases")
	}
	add("exclude", f.Exclude...)
	add("exclude-regex", f.ExcludeRegex...)
	add("always", f.Keep...)
	if f.Artifacts {
		parts = append(parts, "--artifacts")
	}
	return strings.Join(parts, " ")
}

// quoted is a word for a shell.
func quoted(word string) string {
	plain := strings.IndexFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/", r)
	}) < 0
	if plain && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
