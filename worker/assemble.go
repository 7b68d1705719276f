package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	sdk "go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/adapters/packages"
	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/ratelimit"
	"github.com/tagwatch/tagwatch/workflows"
)

// The steps are what the workflows ask for, and the workflows are what the
// steps reach.
var (
	_ workflows.Activities = (*activities.Activities)(nil)
	_ activities.Watchers  = watchers{}
)

// steps are the activities with what they hold open.
type steps struct {
	activities *activities.Activities
	held       []io.Closer
}

func (s *steps) close() {
	for _, closer := range s.held {
		_ = closer.Close() // the process ends anyway
	}
}

// assemble opens the adapters.
func assemble(settings config.Config, keeper *store.Store, now func() time.Time, temporal sdk.Client, seen observer, logger *slog.Logger) (*steps, error) {
	w := settings.Worker
	registries, err := newRegistries(w, shares{keeper, now}, logger)
	if err != nil {
		return nil, err
	}
	images, err := analyzer.Open(analyzerOptions(settings, logger))
	if err != nil {
		return nil, err
	}
	builds, err := feed.Open(settings.Path("feed"), feed.Options{URL: w.FeedURL, CAFile: w.FeedCAFile})
	if err != nil {
		return nil, errors.Join(err, images.Close())
	}
	sender, err := webhook.New(webhook.Options{DenyPrivate: w.WebhookDenyPrivate, Allow: w.WebhookAllow, Deny: w.WebhookDeny, Proxy: w.WebhookProxy,
		UserAgent: "tagwatch/" + version})
	if err != nil {
		return nil, errors.Join(err, images.Close())
	}
	scanner, err := newScanner(w, logger)
	if err != nil {
		return nil, errors.Join(err, images.Close())
	}
	published, err := packages.New(packages.Options{NPM: w.NPMRegistry, Gems: w.GemRegistry, CAFile: w.PackageCAFile,
		UserAgent: "tagwatch/" + version})
	if err != nil {
		return nil, errors.Join(err, images.Close())
	}
	listed, err := sources.New(sources.Options{Paths: w.SourcePaths, CAFile: w.SourceCAFile, UserAgent: "tagwatch/" + version})
	if err != nil {
		return nil, errors.Join(err, images.Close())
	}
	matches := matcher.New(builds.Path)
	seen.meters.registry.MustRegister(&rateLimits{registries, seen.meters.hosts})
	return &steps{held: []io.Closer{matches, images}, activities: &activities.Activities{
		Store: observedStore{keeper, seen}, Registry: observedRegistry{registries, seen},
		Analyzer: observedAnalyzer{puller{images, registries, scanner, logger}, seen}, Packages: published, Sources: listed,
		Matcher: observedMatcher{matches, seen}, Feed: builds, Sender: observedSender{sender, seen}, Watchers: newWatchers(client.Client{Temporal: temporal}),
		Account: message.Account{Name: settings.Account, Email: settings.Email, PublicURL: w.PublicURL},
		Poll:    w.Poll, Resync: w.Resync, Window: w.WebhookWindow, Retention: w.Retention, AuditRetention: w.AuditRetention, FeedMaxAge: w.FeedMaxAge, RenewPace: w.RenewPace, Log: logger, Trace: tracing.Parent,
		Now: now, Restore: func(ctx context.Context) error { return restore(ctx, temporal, w, logger) },
	}}, nil
}

// shares has the limits of registries hold for all workers.
type shares struct {
	*store.Store
	now func() time.Time
}

// Share implements registry.Shares.
func (s shares) Share(ctx context.Context, host string, ask ratelimit.Ask) (ratelimit.Slice, error) {
	ask.Now = s.now()
	return s.ShareHost(ctx, host, ask)
}

// newRegistries is the client of all registries.
func newRegistries(w config.Worker, shared registry.Shares, logger *slog.Logger) (*registry.Registry, error) {
	registries, err := registry.New(registry.Options{Version: version, InsecureHosts: w.RegistryPlain, CAFile: w.RegistryCAFile,
		File: w.RegistriesFile, CertificateDirectories: w.RegistryCertificates, RequestsPerSecond: w.RegistryRate, Shares: shared, Log: logger})
	if err != nil {
		return nil, err
	}
	if unread := registries.Unread(); len(unread) > 0 {
		logger.Info("keys of the registries file that Tagwatch does not use", "file", w.RegistriesFile, "keys", unread)
	}
	return registries, nil
}

func analyzerOptions(settings config.Config, logger *slog.Logger) analyzer.Options {
	w := settings.Worker
	content := analyzer.DefaultContent()
	if len(w.SecretSearch) > 0 {
		content.Secrets = w.SecretSearch
	}
	if len(w.RetrieveFiles) > 0 {
		content.Retrieve = w.RetrieveFiles
	}
	content.Search = w.ContentSearch
	return analyzer.Options{Directory: settings.Path("images"), StoreBytes: w.LayerStore, Content: &content, Log: logger, Ready: w.AnalysisSlots,
		Limits: analyzer.Limits{Memory: w.AnalysisMemory, CPU: w.AnalysisCPU, Wall: w.AnalysisWall}}
}
