package main

import (
	"context"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
)

// sourced has a worker have read a source twice, the second time without its only tag:
// sourced NAME.
func sourced(ts *testscript.TestScript, _ bool, args []string) {
	ctx, now := context.Background(), time.Now().UTC()
	opened, err := store.Open(ctx, "sqlite://"+ts.Getenv("TAGWATCH_DATA_DIR")+"/tagwatch.db")
	ts.Check(err)
	defer opened.Close()
	ts.Check(opened.SaveSource(ctx, source.Source{Name: args[0], Kind: source.File, Paths: []string{"/srv/list"}, Types: notification.DefaultTypes}, now))
	none := []source.Found{source.Refer("scratch", "list:2", image.Platform{}), source.Refer("app:${TAG}", "list:3", image.Platform{}), source.Refer("", "list:4", image.Platform{})}
	var last source.Decision
	for _, found := range [][]source.Found{{source.Refer("app:1", "list:1", image.Platform{})}, none} {
		ts.Check(opened.RecordSource(ctx, args[0], found, func(view source.View) (source.Decision, error) {
			last, err = source.Decide(view, found, "", now)
			return last, err
		}))
	}
	key := condition.Key{Kind: condition.Unreadable, Resource: condition.Source, Name: args[0]}
	_, _, err = opened.FollowConditions(ctx, condition.Wrong(key, last.Problem.Wrong()), now, func([]condition.Change) ([]notification.Notification, error) { return nil, nil }, 0)
	ts.Check(err)
}
