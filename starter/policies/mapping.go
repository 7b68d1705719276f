package policies

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func mappingCommand() *cli.Command {
	return &cli.Command{
		Name:  "mapping",
		Usage: "list, add, move and remove mappings",
		Description: `The first mapping that matches a tag names the policies and whitelists for it.

   tagwatch policy mapping list
   tagwatch policy mapping add --registry ghcr.io --repository 'web/*' --policy strict
   tagwatch policy mapping move web 1`,
		Subcommands: []*cli.Command{mappingListCommand(), mappingAddCommand(), mappingMoveCommand(), mappingRemoveCommand()},
	}
}

// mappingView is a mapping for programs.
type mappingView struct {
	Position   int      `json:"position"`
	ID         string   `json:"id,omitempty"`
	Name       string   `json:"name,omitempty"`
	Registry   string   `json:"registry"`
	Repository string   `json:"repository"`
	Type       string   `json:"image_type"`
	Image      string   `json:"image_value"`
	Policies   []string `json:"policy_ids"`
	Whitelists []string `json:"whitelist_ids"`
}

func mappingListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the mappings in their order",
		UsageText:   "tagwatch policy mapping list [options]",
		Description: "The first mapping that matches a tag counts.\n\n   tagwatch policy mapping list\n   tagwatch policy mapping list --bundle strict -o json",
		Flags:       append([]cli.Flag{bundleFlag()}, session.ListFlags()...),
		Action:      session.Bare(mappingList),
	}
}

func mappingList(ctx context.Context, s *session.Session) error {
	kept, err := stored(ctx, s, s.String("bundle"))
	if err != nil {
		return err
	}
	bundle, _ := policy.Parse([]byte(kept.Text))
	views := []mappingView{}
	for i, m := range bundle.Mappings {
		views = append(views, mappingView{i + 1, m.ID, m.Name, m.Registry, m.Repository, m.ImageType, m.ImageValue,
			append([]string{}, m.PolicyIDs...), append([]string{}, m.WhitelistIDs...)})
	}
	return session.ShowRows(s, session.Rows[mappingView]{Items: views, Name: func(v mappingView) string { return v.ID }, People: func(w io.Writer, views []mappingView) {
		t := output.NewTable("POSITION", "MAPPING", "REGISTRY", "REPOSITORY", "IMAGE", "POLICIES", "WHITELISTS").Drop("WHITELISTS")
		for _, v := range views {
			t.Row(output.Ordinary, strconv.Itoa(v.Position), output.Dash(cmp.Or(v.ID, v.Name)), v.Registry, v.Repository, v.Type+" "+v.Image,
				strings.Join(v.Policies, ", "), output.Dash(strings.Join(v.Whitelists, ", ")))
		}
		t.Write(w)
	}})
}

func mappingAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a mapping",
		UsageText: "tagwatch policy mapping add --policy ID... [options]",
		Description: `Adds the mapping, before all others unless --position says otherwise, and stores
the bundle's next version. In patterns, * stands for any text.

   tagwatch policy mapping add --registry ghcr.io --repository 'web/*' --policy strict --whitelist accepted
   tagwatch policy mapping add --repository 'lab/*' --policy lax --position 2 --dry-run`,
		Flags: editFlags(
			&cli.StringFlag{Name: "registry", Usage: "`pattern` of registries", Value: "*"},
			&cli.StringFlag{Name: "repository", Usage: "`pattern` of repositories", Value: "*"},
			&cli.StringFlag{Name: "tag", Usage: "`pattern` of tags", Value: "*"},
			&cli.StringSliceFlag{Name: "policy", Usage: "`id` of a policy; repeat it for several"},
			&cli.StringSliceFlag{Name: "whitelist", Usage: "`id` of a whitelist; repeat it for several"},
			&cli.IntFlag{Name: "position", Usage: "`number` of the place in the list, from 1", Value: 1},
			&cli.StringFlag{Name: "id", Usage: "`id` of the mapping (default: the next mapping-N)"}),
		Action: session.Bare(mappingAdd),
	}
}

func mappingAdd(ctx context.Context, s *session.Session) error {
	if err := s.Needs("policy"); err != nil {
		return err
	}
	m := policy.NewMapping{ID: s.String("id"), Registry: s.String("registry"), Repository: s.String("repository"), Tag: s.String("tag"),
		Policies: s.StringSlice("policy"), Whitelists: s.StringSlice("whitelist")}
	return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
		m.ID = cmp.Or(m.ID, freeID("mapping", func(id string) bool {
			return slices.ContainsFunc(b.Mappings, func(m policy.Mapping) bool { return m.ID == id })
		}))
		m.Name = m.ID
		document, err := b.AddMapping(m, s.Int("position"))
		return document, fmt.Sprintf("mapping %s added at position %d", m.ID, s.Int("position")), err
	})
}

func mappingMoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "move",
		Usage:       "move a mapping to another position",
		UsageText:   "tagwatch policy mapping move MAPPING POSITION [options]",
		Description: "   tagwatch policy mapping move web 1 --dry-run",
		Flags:       editFlags(),
		Action: session.Action(func(ctx context.Context, s *session.Session) error {
			given, err := s.Arguments("MAPPING", "POSITION")
			if err != nil {
				return err
			}
			position, err := strconv.Atoi(given[1])
			if err != nil {
				return exit.Usage("invalid position %q: expected a number, from 1", given[1])
			}
			return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
				document, err := b.MoveMapping(given[0], position)
				return document, fmt.Sprintf("mapping %s moved to position %d", given[0], position), err
			})
		}),
	}
}

func mappingRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Usage:       "remove a mapping",
		UsageText:   "tagwatch policy mapping remove MAPPING [options]",
		Description: "   tagwatch policy mapping remove web",
		Flags:       editFlags(),
		Action: session.Action(func(ctx context.Context, s *session.Session) error {
			id, err := s.Argument("MAPPING")
			if err != nil {
				return err
			}
			return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
				document, err := b.RemoveMapping(id)
				return document, "mapping " + id + " removed", err
			})
		}),
	}
}
