package completion

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/session"
)

func fromEnvironment(names []string, otherwise string) string {
	for _, name := range names {
		if value, set := os.LookupEnv(name); set {
			return value
		}
	}
	return otherwise
}

// values are what an option takes; nil for anything, as for names of files, which
// shells complete by themselves.
func (l *typed) values(ctx context.Context, option cli.Flag) []string {
	switch option.Names()[0] {
	case "type", "not":
		return wording.Texts(notification.Types)
	case "severity", "min-severity":
		return lowered(wording.Texts(vuln.Severities))
	case "cause":
		return wording.Texts(notification.Causes)
	case "format":
		return wording.Texts(message.Formats)
	case "state":
		return wording.Texts(operations.DeliveryStates)
	case "platform":
		return []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"}
	case "log-level":
		return []string{"debug", "info", "warn", "error"}
	case "log-format":
		return []string{"text", "json"}
	case "output":
		if slices.Equal(l.path, []string{session.SBOMName}) {
			return slices.Clone(session.SBOMForms)
		}
		return slices.Clone(session.Forms)
	case "gate":
		return arguments.GateNames(policy.Describe())
	case "endpoint":
		return l.read(ctx, endpointNames)
	case "registry":
		return l.read(ctx, registryNames)
	case "repository":
		return l.read(ctx, repositoriesOfTags)
	case "subject":
		return l.read(ctx, targetNames)
	}
	return nil
}

// operands are what a command takes besides options.
func (l *typed) operands(ctx context.Context, current string) []string {
	switch strings.Join(l.path, " ") {
	case "completion":
		return []string{"bash", "zsh", "fish"}
	case "status", "vulnerabilities", "evaluate", session.SBOMName, "rescan", "unsubscribe":
		return alsoNamed(l.read(ctx, targetNames), current)
	case "endpoint show", "endpoint test", "endpoint rotate", "endpoint disable", "endpoint enable", "endpoint delete":
		return l.read(ctx, endpointNames)
	case "accept show", "accept extend", "accept revoke":
		return l.read(ctx, acceptanceIDs)
	case "policy activate", "policy get", "policy delete", "policy history", "policy rollback":
		return l.read(ctx, bundleIDs)
	case "repository update", "repository unwatch":
		return l.read(ctx, repositoryNames)
	case "source show", "source update", "source confirm", "source remove":
		return l.read(ctx, sourceNames)
	case "registry check":
		return l.read(ctx, registryNames)
	}
	return nil
}

// read is what there is, as far as it comes in time.
func (l *typed) read(ctx context.Context, names func(context.Context, *operations.System) []string) []string {
	system, done := l.system(ctx)
	if system == nil {
		return nil
	}
	defer done()
	return names(ctx, system)
}

// named are the names of a list's items. What is wrong is for the command to report.
func named[Item any](name func(Item) string, read func(operations.Page) ([]Item, string, error)) (names []string) {
	_, _ = operations.All(func(page operations.Page) ([]Item, string, error) {
		items, next, err := read(page)
		for _, item := range items {
			names = append(names, name(item))
		}
		return items, next, err
	})
	return names
}

func endpointNames(ctx context.Context, s *operations.System) []string {
	return named(func(e operations.Endpoint) string { return e.Name }, func(page operations.Page) ([]operations.Endpoint, string, error) {
		list, err := operations.ListEndpoints.Run(ctx, s, operations.EndpointsRequest{Page: page})
		return list.Endpoints, list.Next, err
	})
}

func tagsNamed(ctx context.Context, s *operations.System, name func(operations.TagStatus) string) []string {
	names := named(name, func(page operations.Page) ([]operations.TagStatus, string, error) {
		list, err := operations.ListTags.Run(ctx, s, operations.TagsRequest{Page: page})
		return list.Tags, list.Next, err
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// targetNames are tags, each once: a platform is an option of its own.
func targetNames(ctx context.Context, s *operations.System) []string {
	return tagsNamed(ctx, s, func(t operations.TagStatus) string { return t.Target.Reference.String() })
}

// alsoNamed adds the other names of tags that begin as typed, of which a command
// finds the one that is watched. Docker Hub goes without saying.
func alsoNamed(tags []string, current string) []string {
	all := slices.Clone(tags)
	for _, tag := range tags {
		reference, err := image.ParseReference(tag)
		if current == "" || err != nil {
			continue
		}
		for _, repository := range reference.Repository.Names() {
			name := repository.Reference(reference.Identifier()).String()
			all = append(all, name, strings.TrimPrefix(name, image.DefaultRegistry+"/"))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func repositoriesOfTags(ctx context.Context, s *operations.System) []string {
	return tagsNamed(ctx, s, func(t operations.TagStatus) string { return t.Target.Reference.Repository.String() })
}

func registryNames(ctx context.Context, s *operations.System) []string {
	return named(func(r operations.Registry) string { return r.Name }, func(page operations.Page) ([]operations.Registry, string, error) {
		list, err := operations.ListRegistries.Run(ctx, s, operations.RegistriesRequest{Page: page})
		return list.Registries, list.Next, err
	})
}

func repositoryNames(ctx context.Context, s *operations.System) []string {
	return named(func(r operations.Repository) string { return r.Name.String() }, func(page operations.Page) ([]operations.Repository, string, error) {
		list, err := operations.ListRepositories.Run(ctx, s, operations.RepositoriesRequest{Page: page})
		return list.Repositories, list.Next, err
	})
}

func sourceNames(ctx context.Context, s *operations.System) []string {
	return named(func(s operations.Source) string { return s.Name }, func(page operations.Page) ([]operations.Source, string, error) {
		list, err := operations.ListSources.Run(ctx, s, operations.SourcesRequest{Page: page})
		return list.Sources, list.Next, err
	})
}

func bundleIDs(ctx context.Context, s *operations.System) []string {
	return named(func(b operations.Bundle) string { return b.ID }, func(page operations.Page) ([]operations.Bundle, string, error) {
		list, err := operations.ListPolicies.Run(ctx, s, operations.PoliciesRequest{Page: page})
		return list.Bundles, list.Next, err
	})
}

// acceptanceIDs are those of acceptances that are not revoked.
func acceptanceIDs(ctx context.Context, s *operations.System) []string {
	ids := named(func(a operations.ListedAcceptance) string {
		if a.State == acceptance.Revoked {
			return ""
		}
		return fmt.Sprint(a.ID)
	}, func(page operations.Page) ([]operations.ListedAcceptance, string, error) {
		list, err := operations.ListAcceptances.Run(ctx, s, operations.AcceptancesRequest{All: true, Page: page})
		return list.Acceptances, list.Next, err
	})
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

func lowered(all []string) []string {
	for i, each := range all {
		all[i] = strings.ToLower(each)
	}
	return all
}
