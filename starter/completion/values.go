package completion

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
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
		return l.read(ctx, (*store.Store).Registries)
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
		return l.read(ctx, (*store.Store).Registries)
	}
	return nil
}

// read is what the database has, or nothing.
func (l *typed) read(ctx context.Context, names func(*store.Store, context.Context) ([]string, error)) []string {
	kept := l.stored(ctx)
	if kept == nil {
		return nil
	}
	defer kept.Close()
	found, _ := names(kept, ctx) // as with a database that is not there
	return found
}

func endpointNames(kept *store.Store, ctx context.Context) ([]string, error) {
	endpoints, err := kept.Endpoints(ctx)
	return named(endpoints, func(e endpoint.Endpoint) string { return e.Name }), err
}

// targetNames are tags, each once: a platform is an option of its own.
func targetNames(kept *store.Store, ctx context.Context) ([]string, error) {
	targets, err := kept.Targets(ctx, subscription.TargetFilter{})
	var names []string
	for _, target := range targets {
		names = append(names, target.Reference.String())
	}
	return slices.Compact(names), err
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

func repositoriesOfTags(kept *store.Store, ctx context.Context) ([]string, error) {
	targets, err := kept.Targets(ctx, subscription.TargetFilter{})
	var names []string
	for _, target := range targets {
		names = append(names, target.Reference.Repository.String())
	}
	return slices.Compact(names), err
}

func repositoryNames(kept *store.Store, ctx context.Context) ([]string, error) {
	repositories, err := kept.Repositories(ctx)
	return named(repositories, func(r taglist.Repository) string { return r.Name.String() }), err
}

func sourceNames(kept *store.Store, ctx context.Context) ([]string, error) {
	sources, err := kept.Sources(ctx)
	return named(sources, func(s source.Source) string { return s.Name }), err
}

func bundleIDs(kept *store.Store, ctx context.Context) ([]string, error) {
	bundles, err := kept.Bundles(ctx)
	return named(bundles, func(b policy.StoredBundle) string { return b.ID }), err
}

// acceptanceIDs are those of acceptances that are not revoked.
func acceptanceIDs(kept *store.Store, ctx context.Context) (ids []string, err error) {
	accepted, err := kept.Acceptances(ctx)
	for _, a := range accepted {
		if a.Revoked.IsZero() {
			ids = append(ids, strconv.FormatInt(a.ID, 10))
		}
	}
	return ids, err
}

func named[T any](all []T, name func(T) string) []string {
	names := make([]string, len(all))
	for i, each := range all {
		names[i] = name(each)
	}
	return names
}

func lowered(all []string) []string {
	for i, each := range all {
		all[i] = strings.ToLower(each)
	}
	return all
}
