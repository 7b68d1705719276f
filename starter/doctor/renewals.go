package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/workflows"
)

// renewals looks at the images that another analyzer than the workers' analyzed.
func (e *examination) renewals(ctx context.Context) {
	const subject = "renewals"
	if e.Stored == nil {
		return
	}
	analyzers, err := e.Stored.Analyzers(ctx)
	if e.unread(subject, err) {
		return
	}
	analyzer := analysis.LeadAnalyzer(analyzers, e.Now)
	if analyzer == "" {
		return // no analysis workers, as reported above
	}
	backlog, err := e.Stored.RenewalBacklog(ctx, analyzer, e.Now)
	if e.unread(subject, err) {
		return
	}
	e.renewalBacklog(backlog, analyzer)
	if backlog.Due > 0 && e.Linked != nil {
		e.renewalSchedule(ctx)
	}
}

func (e *examination) renewalBacklog(backlog analysis.RenewalBacklog, analyzer string) {
	const subject = "renewals"
	pace := e.Int("renew-pace")
	switch {
	case backlog.Due > 0 && pace <= 0:
		e.warn(subject, "set the workers' --renew-pace (TAGWATCH_RENEW_PACE)",
			"%s analyzed by another version than %s, and renewal is off", wording.Count(backlog.Due, "image"), analyzer)
	case backlog.Due > 0:
		took := time.Duration(backlog.Due) * time.Hour / time.Duration(pace)
		e.ok(subject, "%s to be analyzed again by %s, at most %d per hour: takes %s or more", wording.Count(backlog.Due, "image"), analyzer, pace, wording.Duration(took))
	case backlog == analysis.RenewalBacklog{}:
		e.ok(subject, "all current images were analyzed by %s", analyzer)
	}
	if backlog.Later > 0 {
		e.warn(subject, "check their registries: tagwatch registry list",
			"%s could not be analyzed again by %s; will retry", wording.Count(backlog.Later, "image"), analyzer)
	}
	if backlog.Never > 0 {
		e.warn(subject, "their last analysis stays in use; list failing tags: tagwatch status --failing",
			"%s could not be analyzed again by %s after several attempts", wording.Count(backlog.Never, "image"), analyzer)
	}
}

func (e *examination) renewalSchedule(ctx context.Context) {
	described, err := e.Linked.Client.Temporal.ScheduleClient().GetHandle(ctx, workflows.RenewAnalysesID).Describe(ctx)
	remedy := fmt.Sprintf("resume it in the Web UI, or: temporal schedule toggle --unpause --schedule-id %s", workflows.RenewAnalysesID)
	switch {
	case err != nil:
		e.warn("renewals", "restart a worker, which creates it", "cannot read the schedule %s: %s", workflows.RenewAnalysesID, err)
	case described.Schedule.State.Paused:
		e.warn("renewals", remedy, "the schedule %s is paused: images are not analyzed again", workflows.RenewAnalysesID)
	}
}
