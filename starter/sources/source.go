// Package sources has the commands about sources, from which Tagwatch takes what to watch.
package sources

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// Command has a worker follow what is written down elsewhere.
func Command() *cli.Command {
	return &cli.Command{
		Name:  "source",
		Usage: "watch the images that lists, Dockerfiles, Compose projects, engines and clusters name",
		Description: `A worker reads a source again and again and subscribes to what appears in it. What
two readings in a row lack ends, unless somebody subscribed to it or another source
has it. A source that cannot be read changes nothing.

   tagwatch source add shop compose /srv/stacks/shop
   tagwatch source add base dockerfile /srv/src --variable NODE_VERSION=22 --dry-run
   tagwatch source add list file https://git.example.com/ops/images.txt
   tagwatch source add prod kubernetes in-cluster
   tagwatch source list
   tagwatch source show shop`,
		Subcommands: []*cli.Command{addCommand(), updateCommand(), listCommand(), showCommand(), confirmCommand(), removeCommand()},
	}
}

func sourceFlags() []cli.Flag {
	return append(arguments.SubscriptionFlags(),
		&cli.StringSliceFlag{Name: "variable", Usage: "`NAME=VALUE` of a Compose variable or a build argument; repeatable"},
		&cli.StringSliceFlag{Name: "profile", Usage: "also watch the services of this Compose `profile`, '*' for all; repeatable"},
		&cli.StringFlag{Name: "context", Usage: "`context` of a kubeconfig file", DefaultText: "its current one"},
		&cli.StringSliceFlag{Name: "namespace", Usage: "only the workloads of this Kubernetes `namespace`; repeatable", DefaultText: "all"},
		&cli.StringFlag{Name: "selector", Usage: "only the Kubernetes workloads with `labels` such as 'team=a,tier!=test'"},
		&cli.IntFlag{Name: "max-tags", Usage: "fail if the source has more than `N` tags", DefaultText: strconv.Itoa(source.DefaultMost)},
		&cli.DurationFlag{Name: "list-interval", Usage: "how often to read the source, at least 30s", DefaultText: "the worker's --resync"},
		&cli.BoolFlag{Name: "dry-run", Usage: "only show what the source would bring"},
		session.OutputFlag())
}

func addCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a source",
		UsageText: "tagwatch source add NAME KIND PATH... [options]",
		Description: `Kinds: file (a list, as lines, YAML or JSON, of the worker or at an HTTPS URL),
dockerfile (base images), compose (images and base images of services), docker
(what an engine runs: unix:///path of its socket, or tcp://host:port) and kubernetes
(the workloads of a cluster: a kubeconfig file, or in-cluster for the one that the
worker runs in). A path is a file or a folder of the worker, below one of its
--source-path settings.

   tagwatch source add shop compose /srv/stacks/shop --profile '*' --dry-run
   tagwatch source add base dockerfile /srv/src/api/Dockerfile --type tag_update
   tagwatch source add list file https://git.example.com/ops/images.txt --list-interval 5m
   tagwatch source add home docker unix:///var/run/docker.sock
   tagwatch source add prod kubernetes in-cluster --namespace shop --namespace web --dry-run
   tagwatch source add lab kubernetes /etc/tagwatch/kubeconfig --context lab --selector 'tier!=test'`,
		Flags:  sourceFlags(),
		Action: session.Action(add),
	}
}

func updateCommand() *cli.Command {
	return &cli.Command{
		Name:      "update",
		Usage:     "change the options of a source",
		UsageText: "tagwatch source update NAME [options]",
		Description: `Changes the given options and keeps the others; an empty value removes one. The
subscriptions that the source brought are renewed.

   tagwatch source update shop --type vuln_update --endpoint security
   tagwatch source update shop --variable TAG=2.5 --dry-run`,
		Flags:  sourceFlags(),
		Action: session.One("NAME", update),
	}
}

func add(ctx context.Context, s *session.Session) error {
	given := s.Args().Slice()
	if len(given) < 3 {
		return exit.Usage("expected NAME KIND PATH; see tagwatch source add --help")
	}
	sources, err := all(ctx, s)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(sources, func(each operations.Source) bool { return each.Name == given[0] }) {
		return exit.Refused("source %q exists already; change it with: tagwatch source update %s", given[0], given[0])
	}
	return save(ctx, s, source.Source{Name: given[0], Kind: source.Kind(given[1]), Paths: given[2:]})
}

func update(ctx context.Context, s *session.Session, name string) error {
	detail, err := operations.ShowSource.Run(ctx, s.System(), operations.SourceRequest{Name: name})
	if err != nil {
		return err
	}
	return save(ctx, s, detail.Source.Source)
}

// save stores a source with the options that are given over those that it has, once a
// worker has read it.
func save(ctx context.Context, s *session.Session, asked source.Source) error {
	asked, err := withFlags(s, asked)
	if err != nil {
		return err
	}
	request := operations.SourceSettings{Source: asked}
	done := s.Slowly("reading the source")
	defer done()
	if s.Bool("dry-run") {
		plan, err := operations.PlanSource.Run(ctx, s.System(), request)
		if err != nil {
			return err
		}
		return s.Show(plan, func(w io.Writer) { writePlan(s, w, plan) })
	}
	saved, err := operations.SaveSource.Run(ctx, s.System(), operations.SourceChange{SourceSettings: request})
	if err != nil {
		return err
	}
	plan := saved.Plan
	return s.Show(saved, func(w io.Writer) {
		fmt.Fprintf(w, "source %s is followed: %s, %d not followed; see: tagwatch source show %s\n", asked.Name, wording.Count(plan.Tags, "tag"), plan.NotFollowed, asked.Name)
		if plan.Problem != "" {
			s.Say("%s", plan.Problem)
		}
	})
}

func withFlags(s *session.Session, asked source.Source) (_ source.Source, err error) {
	if s.IsSet("type") || len(asked.Types) == 0 {
		if asked.Types, err = arguments.Types(s, notification.TagTypes); err != nil {
			return asked, err
		}
	}
	if asked.Options, err = arguments.Options(s, asked.Options); err != nil {
		return asked, err
	}
	if s.IsSet("platform") {
		platforms, err := arguments.Platforms(s)
		if err != nil {
			return asked, err
		}
		if len(platforms) > 1 {
			return asked, exit.Usage("a source has one --platform: the one of tags that name none")
		}
		asked.Platform = image.Platform{}
		if len(platforms) == 1 && platforms[0] != image.DefaultPlatform {
			asked.Platform = platforms[0]
		}
	}
	for flag, into := range map[string]*int64{"interval": (*int64)(&asked.Poll), "list-interval": (*int64)(&asked.List)} {
		if s.IsSet(flag) {
			interval, err := arguments.Interval(s, flag)
			if err != nil {
				return asked, err
			}
			*into = int64(interval)
		}
	}
	if s.IsSet("max-tags") {
		if asked.Most = s.Int("max-tags"); asked.Most < 0 {
			return asked, exit.Usage("invalid value %d for --max-tags: expected 0 or more", asked.Most)
		}
	}
	withCluster(s, &asked.Cluster)
	if s.IsSet("profile") {
		asked.Profiles = arguments.Several(s, "profile")
	}
	if s.IsSet("variable") {
		asked.Variables = map[string]string{}
		for _, given := range s.StringSlice("variable") {
			name, value, has := strings.Cut(given, "=")
			if given == "" {
				continue
			}
			if !has {
				return asked, exit.Usage("invalid value %q for --variable: expected NAME=VALUE", given)
			}
			asked.Variables[name] = value
		}
	}
	return asked, nil
}

func withCluster(s *session.Session, asked *source.Cluster) {
	if s.IsSet("context") {
		asked.Context = s.String("context")
	}
	if s.IsSet("namespace") {
		asked.Namespaces = arguments.Several(s, "namespace")
	}
	if s.IsSet("selector") {
		asked.Selector = s.String("selector")
	}
}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the sources",
		UsageText:   "tagwatch source list [options]",
		Description: "   tagwatch source list\n   tagwatch source list -o json",
		Flags:       session.ListFlags(),
		Action:      session.Bare(list),
	}
}

func all(ctx context.Context, s *session.Session) ([]operations.Source, error) {
	return operations.All(func(page operations.Page) ([]operations.Source, string, error) {
		list, err := operations.ListSources.Run(ctx, s.System(), operations.SourcesRequest{Page: page})
		return list.Sources, list.Next, err
	})
}

func list(ctx context.Context, s *session.Session) error {
	sources, err := all(ctx, s)
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Source]{Items: sources, Name: func(v operations.Source) string { return v.Name }, People: func(w io.Writer, sources []operations.Source) { writeSources(s, w, sources) }})
}

func writeSources(s *session.Session, w io.Writer, sources []operations.Source) {
	if len(sources) == 0 {
		s.Say("No source yet; add one with: tagwatch source add NAME KIND PATH")
		return
	}
	t := output.NewTable("NAME", "KIND", "PATH", "TAGS", "REFERENCES", "TYPES", "READ", "PROBLEM").Drop("TYPES", "PATH", "REFERENCES")
	for _, v := range sources {
		style, problem := output.Ordinary, ""
		if v.Problem != nil {
			style, problem = output.Doubtful, v.Problem.Message
		}
		if v.Unconfirmed {
			problem += "; confirm it with: tagwatch source confirm " + v.Name
		}
		t.Row(style, v.Name, string(v.Kind), strings.Join(v.Paths, " "), strconv.Itoa(v.Tags), strconv.Itoa(v.References), wording.List(v.Types), s.Ago(v.Checked), problem)
	}
	t.Write(w)
}

func showCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show what was found in a source, and what became of it",
		UsageText:   "tagwatch source show NAME [options]",
		Description: "   tagwatch source show shop\n   tagwatch source show shop -o json",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action:      session.One("NAME", show),
	}
}

func show(ctx context.Context, s *session.Session, name string) error {
	detail, err := operations.ShowSource.Run(ctx, s.System(), operations.SourceRequest{Name: name})
	if err != nil {
		return err
	}
	return s.Show(detail, func(w io.Writer) { writeDetail(s, w, detail) })
}

func writeDetail(s *session.Session, w io.Writer, d operations.SourceDetail) {
	fmt.Fprintf(w, "%s: %s of %s, read %s\n", d.Name, wording.Count(d.Tags, "tag"), wording.Count(d.References, "reference"), s.Ago(d.Checked))
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		fmt.Fprintf(w, "variable %s=%s\n", name, d.Variables[name])
	}
	if d.Problem != nil {
		fmt.Fprintf(w, "problem: %s\n", d.Problem.Message)
	}
	if d.Unconfirmed {
		s.Say("If that is right, confirm it with: tagwatch source confirm %s", d.Name)
	}
	fmt.Fprintln(w)
	found := make([]source.Found, len(d.Found))
	as := make([]string, len(d.Found))
	for i, each := range d.Found {
		found[i], as[i] = each.Found, each.WatchedAs
		if each.Problem != nil {
			notes := []string{each.Problem.Message}
			if len(each.PullSecrets) > 0 {
				notes = append(notes, "the cluster pulls it with "+strings.Join(each.PullSecrets, ", "))
			}
			if each.Note != "" {
				notes = append(notes, each.Note)
			}
			found[i].Note = strings.Join(notes, "; ")
		}
	}
	writeFound(w, found, as)
	for _, target := range d.Leaving {
		s.Say("%s was not in it at the last reading; its watch ends if the next lacks it too", target)
	}
}

// reasons say why a reference is not followed.
var reasons = map[source.Reason]string{
	source.Scratch:    "the empty image",
	source.Stage:      "an earlier stage",
	source.Built:      "built there, or in no registry; tagwatch/watch=true watches it",
	source.NoValue:    "variable without a value",
	source.Template:   "a template",
	source.NoProfile:  "profile not selected (--profile)",
	source.SwitchOff:  "switched off by tagwatch/watch=false",
	source.BadLabel:   "a label cannot be used",
	source.Nameless:   "its name was removed or taken over",
	source.NotAnImage: "not an image of a registry",
	source.Invalid:    "not a reference",
	source.Unreadable: "not to be had",
}

func writeFound(w io.Writer, found []source.Found, as []string) {
	t := output.NewTable("REFERENCE", "WHERE", "WATCHED", "NOTE")
	for i, each := range found {
		style, watched, note := output.Ordinary, "yes", each.Note
		if !each.Followed() {
			style, watched, note = output.Faint, "no", reasons[each.Reason]
			if each.Note != "" {
				note += ": " + each.Note
			}
		}
		if as != nil && each.Followed() {
			if watched = as[i]; watched == "" {
				watched, note = "no", "unsubscribed, or not started yet"
			}
		}
		t.Row(style, each.Text, each.Place, watched, note)
	}
	t.Write(w)
}

func writePlan(s *session.Session, w io.Writer, plan source.Plan) {
	fmt.Fprintf(w, "%s: %s of %s would be watched, %d new, %d missing\n\n", plan.Source.Name, wording.Count(plan.Tags, "tag"), wording.Count(plan.References, "reference"), plan.New, plan.Missing)
	writeFound(w, plan.Found, nil)
	if plan.Omitted > 0 {
		fmt.Fprintf(w, "\n%s more, too many to list here; once the source is added, all are shown by: tagwatch source show %s\n", wording.Count(plan.Omitted, "reference"), plan.Source.Name)
	}
	if plan.Problem != "" {
		s.Say("%s", plan.Problem)
	}
	s.Say("Nothing was changed.")
}

func confirmCommand() *cli.Command {
	return &cli.Command{
		Name:      "confirm",
		Usage:     "confirm that what is gone from a source is gone",
		UsageText: "tagwatch source confirm NAME",
		Description: `When nothing is left in a source, or more than half of it is gone at once, nothing
ends until it is confirmed. Only what is gone now is confirmed.

   tagwatch source confirm shop`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only show what would end"}, session.OutputFlag()},
		Action: session.One("NAME", confirm),
	}
}

func confirm(ctx context.Context, s *session.Session, name string) error {
	if s.Bool("dry-run") {
		return show(ctx, s, name)
	}
	confirmed, err := operations.ConfirmSource.Run(ctx, s.System(), operations.SourceName{Name: name})
	if err != nil {
		return err
	}
	return s.Show(confirmed, func(w io.Writer) { fmt.Fprintf(w, "confirmed; source %s is read again\n", name) })
}

func removeCommand() *cli.Command {
	return &cli.Command{
		Name:      "remove",
		Usage:     "remove a source",
		UsageText: "tagwatch source remove NAME [options]",
		Description: `Ends the subscriptions that the source alone brought. Those that somebody made, and
those of tags that another source has, stay.

   tagwatch source remove shop --dry-run
   tagwatch source remove shop`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only show how many tags the source brings"}, session.OutputFlag()},
		Action: session.One("NAME", remove),
	}
}

func remove(ctx context.Context, s *session.Session, name string) error {
	if s.Bool("dry-run") {
		detail, err := operations.ShowSource.Run(ctx, s.System(), operations.SourceRequest{Name: name})
		if err != nil {
			return err
		}
		would := operations.RemovedSource{Name: name, Ended: detail.Tags}
		return s.Show(would, func(w io.Writer) {
			fmt.Fprintf(w, "source %s would be removed, with what it alone brought of %s; nothing was changed\n", name, wording.Count(would.Ended, "tag"))
		})
	}
	removed, err := operations.RemoveSource.Run(ctx, s.System(), operations.SourceRemoval{SourceRequest: operations.SourceRequest{Name: name}})
	if err != nil {
		return err
	}
	return s.Show(removed, func(w io.Writer) {
		fmt.Fprintf(w, "source %s is removed, with what it alone brought of %s\n", name, wording.Count(removed.Ended, "tag"))
		if removed.Delayed != "" {
			s.Say("The workflows end later: %s", removed.Delayed)
		}
	})
}
