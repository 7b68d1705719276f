package store

import (
	"context"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// TagDetail is what is known of a watched target, without its documents.
type TagDetail struct {
	watch.Summary
	Subscriptions []subscription.Subscription // the active ones, sorted by type
	Unreadable    []sbom.Unreadable           // files of the last analyzed image
	Running       *workload.Running           // nil if no source says what runs
}

// TagDetail reads everything of one moment, in one transaction, because it is read often.
// errkind.NotFound if the target is not watched.
func (s *Store) TagDetail(ctx context.Context, target image.Target) (detail TagDetail, err error) {
	err = s.view(ctx, "read the state of "+target.String(), func(t tx) (err error) {
		if detail.Summary, err = t.summary(ctx, target); err != nil {
			return err
		}
		subscribed, err := t.activeSubscriptions(ctx, []string{target.String()})
		if err != nil {
			return err
		}
		detail.Subscriptions = subscribed[target.String()]
		if detail.Unreadable, err = t.unreadable(ctx, detail.Analyzed); err != nil {
			return err
		}
		instances, err := t.instances(ctx, []image.Target{target})
		detail.Running = workload.Summarize(instances[target])
		return err
	})
	return detail, err
}

// unreadable are those of an analyzed image; none without a record of one.
func (t tx) unreadable(ctx context.Context, digest image.Digest) ([]sbom.Unreadable, error) {
	document, found, err := first[[]byte](ctx, t, `SELECT document FROM image_document JOIN image ON image.id = image_document.image_id
		WHERE image.digest = ? AND kind = ?`, string(digest), kindUnreadable)
	if err != nil || !found {
		return nil, err
	}
	return unpack[[]sbom.Unreadable](document)
}

func (t tx) summary(ctx context.Context, target image.Target) (watch.Summary, error) {
	row, found, err := first[stateRow](ctx, t, summaryQuery+` WHERE target.name = ?`, target.String())
	if err == nil && !found {
		err = fmt.Errorf("it is not watched: %w", errkind.NotFound)
	}
	if err != nil {
		return watch.Summary{}, err
	}
	summaries, err := t.summaries(ctx, []stateRow{row})
	if err != nil {
		return watch.Summary{}, err
	}
	return summaries[0], nil
}
