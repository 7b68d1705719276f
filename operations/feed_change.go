package operations

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/workflows"
)

// SyncFeed fetches new data. A synchronization that is under way is joined.
var SyncFeed = Operation[FeedChange, Task]{Name: "sync-feed", Summary: "Fetch new vulnerability data now",
	Method: http.MethodPost, Path: "/feed/sync", Scope: token.Admin, Whole: true, Accepted: true, do: syncFeed}

// FeedChange asks for what needs no settings.
type FeedChange struct{}

// Synced is the result of a change of the vulnerability data.
type Synced struct {
	// Build is current now; empty if there is none.
	Build string `json:"build"`
	// Held are the reasons why a build is on hold.
	Held []string `json:"held"`
	// Ended was on hold, and is not any more: the publisher does not list it any more.
	Ended string `json:"hold_ended,omitempty"`
	// Refused is what the publisher lists although a person rejected it.
	Refused string `json:"listed_but_rejected,omitempty"`
	Matched int    `json:"package_groups_matched"`
	Changed int    `json:"package_groups_changed"`
	Woken   int    `json:"tags_woken"`
}

func syncFeed(ctx context.Context, s *System, _ FeedChange) (Task, error) {
	return s.changeFeed(ctx, "fetch vulnerability data", databuild.SyncRequest{})
}

func (s *System) changeFeed(ctx context.Context, doing string, request databuild.SyncRequest) (Task, error) {
	return s.begin(ctx, doing, func(ctx context.Context, c client.Client) (client.Run, error) { return c.SyncFeed(ctx, request) })
}

func readSynced(await func(any) error) (TaskResult, error) {
	var done workflows.Synced
	err := await(&done)
	return TaskResult{Synchronization: &Synced{done.Build, append([]string{}, done.Held...), done.Ended, done.Refused, done.Groups, done.Changed, done.Woken}}, err
}

// ImportFeed has a worker read data from a file on its machine. Like data that was fetched,
// it is verified before it is used.
var ImportFeed = Operation[FeedFile, Task]{Name: "import-feed", Summary: "Import vulnerability data from a file on the worker's machine",
	Method: http.MethodPost, Path: "/feed/import", Scope: token.Admin, Whole: true, Accepted: true, do: importFeed}

// FeedFile names an archive of grype's database.
type FeedFile struct {
	File string `json:"file" minLength:"1" maxLength:"4096" doc:"Absolute path on the worker's machine." example:"/srv/feeds/vulnerability-db_v6.1.2_2026-01-02T03:04:05Z.tar.zst"`
}

func importFeed(ctx context.Context, s *System, request FeedFile) (Task, error) {
	if !filepath.IsAbs(request.File) {
		return Task{}, &InvalidValue{Field: "file", Value: request.File, Expected: "an absolute path on the worker's machine"}
	}
	return s.changeFeed(ctx, "import vulnerability data", databuild.SyncRequest{File: request.File})
}

// ReleaseFeed makes the build on hold the current one.
var ReleaseFeed = Operation[FeedChange, Task]{Name: "release-feed", Summary: "Use the vulnerability data that is on hold",
	Method: http.MethodPost, Path: "/feed/release", Scope: token.Admin, Whole: true, Accepted: true, do: releaseFeed}

func releaseFeed(ctx context.Context, s *System, _ FeedChange) (Task, error) {
	feed, err := s.feed(ctx)
	if err != nil {
		return Task{}, err
	}
	if feed.Held == nil {
		return Task{}, notFound("", "no vulnerability data is on hold")
	}
	return s.changeFeed(ctx, "release vulnerability data", databuild.SyncRequest{Release: feed.Held.Checksum})
}

// RollBackFeed makes the build before the current one again.
var RollBackFeed = Operation[FeedChange, Task]{Name: "roll-back-feed", Summary: "Return to the previous vulnerability data",
	Method: http.MethodPost, Path: "/feed/rollback", Scope: token.Admin, Whole: true, Accepted: true, do: rollBackFeed}

func rollBackFeed(ctx context.Context, s *System, _ FeedChange) (Task, error) {
	feed, err := s.feed(ctx)
	if err != nil {
		return Task{}, err
	}
	if feed.Current == nil || feed.Previous == nil {
		return Task{}, notFound("", "there is no earlier vulnerability data to go back to")
	}
	return s.changeFeed(ctx, "go back to earlier vulnerability data", databuild.SyncRequest{Rollback: feed.Current.Checksum})
}

func (s *System) feed(ctx context.Context) (databuild.Feed, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return databuild.Feed{}, err
	}
	return kept.Feed(ctx)
}
