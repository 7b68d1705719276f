package sources

import (
	"context"
	"fmt"
	"io"
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
	"github.com/tagwatch/tagwatch/starter/session"
)

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
