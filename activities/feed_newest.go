package activities

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// fetchNewest moves to the source's newest build. A worker without a way to
// the source still keeps up with its matcher.
func (a *Activities) fetchNewest(ctx context.Context, feed databuild.Feed, fetched databuild.Fetched, report func(string)) (databuild.Fetched, error) {
	leads, err := a.leads(ctx)
	if err != nil {
		return fetched, err
	}
	listing, failure := a.Feed.Latest(ctx)
	if leads && feed.Matcher != a.Matcher.Version() && usable(feed.Current, listing) && ctx.Err() == nil {
		// First with the data that there is: what changes then is the matcher's
		// doing alone. The next synchronization brings new data.
		fetched.Build = &feed.Current.Build
		return fetched, a.noteFeed(ctx, &feed, listing.Status, failure)
	}
	var newest offer
	if failure == nil {
		if fetched.Ended, err = a.endHold(ctx, &feed, listing); err != nil {
			return fetched, err
		}
		newest, failure = a.offered(ctx, feed, listing, report)
	}
	if ctx.Err() != nil {
		return fetched, ctx.Err()
	}
	if err := a.noteFeed(ctx, &feed, listing.Status, failure); err != nil {
		return fetched, err
	}
	if failure == nil {
		fetched, err = a.consider(ctx, feed, newest, fetched)
	} else if feed.Held != nil {
		fetched.Held, err = feed.Reasons, a.notifyHeld(ctx, feed)
	}
	if fetched.Build == nil {
		err = errors.Join(err, a.followData(ctx, feed))
	}
	return fetched, errors.Join(failure, err)
}

// usable reports whether this worker's matcher reads the current data: the source
// offers none, or of the same model of the schema.
func usable(current *vuln.Description, offered vuln.Listing) bool {
	if current == nil {
		return false
	}
	model, _, _ := strings.Cut(current.Schema, ".")
	offeredModel, _, _ := strings.Cut(offered.Schema, ".")
	return offeredModel == "" || model == offeredModel
}

// offer is what the publisher lists, and what that build is here.
type offer struct {
	vuln.Build
	state databuild.BuildState
	// back reports that it is the previous one, which is older than the current one.
	back bool
}

// offered has what the publisher lists on disk, unless nothing has to be read to
// decide about it.
func (a *Activities) offered(ctx context.Context, feed databuild.Feed, listing vuln.Listing, report func(string)) (offer, error) {
	newest := offer{Build: vuln.Build{Checksum: listing.Checksum, URL: listing.URL, Built: listing.Built, Schema: listing.Schema}}
	var err error
	if newest.state, err = a.Store.BuildState(ctx, listing.Checksum); err != nil {
		return newest, err
	}
	newest.back = newest.state == databuild.Previous && feed.Current != nil && listing.Built.Before(feed.Current.Built)
	switch {
	case newest.state == databuild.Current || newest.state == databuild.Rejected || newest.state == databuild.Held || newest.back:
		return newest, nil
	}
	report("fetching vulnerability data built " + listing.Built.UTC().Format(time.RFC3339))
	newest.Build, err = a.Feed.Fetch(ctx, listing, report)
	return newest, err
}

// consider decides about what the publisher lists.
func (a *Activities) consider(ctx context.Context, feed databuild.Feed, newest offer, fetched databuild.Fetched) (databuild.Fetched, error) {
	switch {
	case newest.state == databuild.Current:
		return fetched, nil
	case newest.state == databuild.Rejected:
		fetched.Refused = newest.Checksum
		return fetched, a.Store.SeeBuild(ctx, newest.Checksum, a.now())
	case newest.back:
		return a.goBack(ctx, feed, fetched)
	}
	return a.judge(ctx, feed, newest.Build, fetched)
}

// noteFeed stores whether the source can be read and what status it states.
func (a *Activities) noteFeed(ctx context.Context, feed *databuild.Feed, status vuln.Lifecycle, cause error) error {
	if status != "" {
		feed.Status = status
	}
	checked := a.now()
	var found *condition.Found
	if cause != nil {
		checked, found = time.Time{}, problem(condition.StageFetch, cause, nil, a.now()).Wrong()
	}
	key := condition.Key{Kind: condition.SourceUnreachable, Resource: condition.Data, Name: condition.AllData}
	if _, err := a.follow(ctx, condition.Wrong(key, found), nil); err != nil {
		return err
	}
	return a.Store.NoteFeed(ctx, checked, status)
}
