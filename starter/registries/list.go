package registries

import (
	"cmp"
	"context"
	"io"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func registryListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the registries of watched tags",
		UsageText: "tagwatch registry list [options]",
		Description: `Shows the state of each registry, its rate limit and the next check. While Temporal
is not reachable, only the names and numbers of tags are shown.

   tagwatch registry list
   tagwatch registry list -o json`,
		Flags:  session.ListFlags(),
		Action: session.Bare(registryList),
	}
}

func registryList(ctx context.Context, s *session.Session) error {
	incomplete := ""
	all, err := operations.All(func(page operations.Page) ([]operations.RegistryPolls, string, error) {
		list, err := operations.ListPolls.Run(ctx, s.System(), operations.RegistriesRequest{Page: page})
		incomplete = cmp.Or(incomplete, list.Incomplete)
		return list.Registries, list.Next, err
	})
	if err != nil {
		return err
	}
	if incomplete != "" {
		s.Say("Showing database contents only: %s", incomplete)
	}
	return session.ShowRows(s, session.Rows[operations.RegistryPolls]{Items: all, Name: func(r operations.RegistryPolls) string { return r.Registry },
		People: func(w io.Writer, all []operations.RegistryPolls) { writeRegistries(s, w, all) }})
}

func writeRegistries(s *session.Session, w io.Writer, all []operations.RegistryPolls) {
	if len(all) == 0 {
		s.Say("No tag is watched yet; watch one with: tagwatch subscribe REF")
		return
	}
	t := output.NewTable("REGISTRY", "STATE", "TAGS", "POLLED", "NEXT", "LIMIT", "PROBLEM").Drop("LIMIT", "NEXT", "TAGS")
	for _, v := range all {
		style, state, problem := output.Ordinary, string(v.State), ""
		if v.Problem != nil {
			style, problem = output.Bad, v.Problem.Message
			state += ", began " + s.Ago(v.Problem.Since)
		} else if v.Limit.Refused != "" {
			style, problem = output.Doubtful, "invalid settings ignored: "+v.Limit.Refused
		}
		t.Row(style, v.Registry, state, strconv.Itoa(v.Tags), s.Ago(v.Polled), s.Ago(v.Next), output.Dash(limitWords(v.Limit)), problem)
	}
	t.Write(w)
}
