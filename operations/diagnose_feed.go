package operations

import (
	"context"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/workflows"
)

// feed looks at the age of the vulnerability data, and at their source.
func (e *examination) feed(ctx context.Context) {
	const subject = "feed"
	if e.stored == nil {
		return // reported above
	}
	feed, err := e.stored.Feed(ctx)
	if e.unread(subject, err) {
		return
	}
	e.feedData(feed)
	if feed.Held != nil {
		e.Warn(subject, "review it: tagwatch feed status; use it: tagwatch feed release", "new vulnerability data is on hold: %s", strings.Join(feed.Reasons, "; "))
	}
	if feed.Problem != nil {
		e.Warn(subject, "check the workers' access to the source (--feed-url, --feed-ca-file, HTTPS_PROXY), or import data: tagwatch feed import",
			"workers have been unable to read the source since %s: %s", e.when(feed.Problem.Since), feed.Problem.Message)
	}
	if feed.Problem == nil && !feed.Checked.IsZero() {
		e.OK(subject, "workers read the source %s", e.ago(feed.Checked))
	}
}

// feedData judges the dates of the data and its future by itself: no worker may
// have done so lately.
func (e *examination) feedData(feed databuild.Feed) {
	const subject = "feed"
	var current vuln.Description
	if feed.Current == nil {
		e.Fail(subject, "fetch data: tagwatch feed sync; offline: tagwatch feed import", "no vulnerability data: images are analyzed but not matched")
	} else {
		current = *feed.Current
	}
	found := vuln.Conditions(current, feed.Status, e.maxAge, e.Now)
	for _, wrong := range found {
		e.Warn(subject, conditionRemedies[wrong.Kind], "%s", wrong.Message)
	}
	if feed.Current != nil && len(found) == 0 {
		e.OK(subject, "data of %s", e.when(feed.Current.Built))
	}
}

const newData = "a new build of the data ends it; see tagwatch feed status, and ask the publisher"

var conditionRemedies = map[condition.Kind]string{
	vuln.BuildOutdated:       "see below why no newer data came; fetch it now: tagwatch feed sync (limit: --feed-max-age)",
	vuln.BuildAhead:          "compare this machine's clock with the publisher's; go back with: tagwatch feed rollback",
	vuln.ProviderOutdated:    newData + " (limit: --feed-max-age)",
	vuln.ProviderAhead:       newData,
	vuln.ProviderUndated:     newData,
	vuln.ScoresOutdated:      newData + " (limit: --feed-max-age)",
	vuln.ScoresAhead:         newData,
	vuln.SourceDeprecated:    "update Tagwatch",
	vuln.SourceEndOfLife:     "update Tagwatch",
	vuln.SourceNotUnderstood: "update Tagwatch, or ask the publisher what it means",
}

// renewals looks at the images that another analyzer than the workers' analyzed.
func (e *examination) renewals(ctx context.Context) {
	const subject = "renewals"
	if e.stored == nil {
		return
	}
	analyzers, err := e.stored.Analyzers(ctx)
	if e.unread(subject, err) {
		return
	}
	analyzer := analysis.LeadAnalyzer(analyzers, e.Now)
	if analyzer == "" {
		return // no analysis workers, as reported above
	}
	backlog, err := e.stored.RenewalBacklog(ctx, analyzer, e.Now)
	if e.unread(subject, err) {
		return
	}
	e.renewalBacklog(backlog, analyzer)
	if backlog.Due > 0 && e.linked != nil {
		e.renewalSchedule(ctx)
	}
}

func (e *examination) renewalBacklog(backlog analysis.RenewalBacklog, analyzer string) {
	const subject = "renewals"
	pace := e.renew
	switch {
	case backlog.Due > 0 && pace <= 0:
		e.Warn(subject, "set the workers' --renew-pace (TAGWATCH_RENEW_PACE)",
			"%s analyzed by another version than %s, and renewal is off", wording.Count(backlog.Due, "image"), analyzer)
	case backlog.Due > 0:
		took := time.Duration(backlog.Due) * time.Hour / time.Duration(pace)
		e.OK(subject, "%s to be analyzed again by %s, at most %d per hour: takes %s or more", wording.Count(backlog.Due, "image"), analyzer, pace, wording.Duration(took))
	case backlog == analysis.RenewalBacklog{}:
		e.OK(subject, "all current images were analyzed by %s", analyzer)
	}
	if backlog.Later > 0 {
		e.Warn(subject, "check their registries: tagwatch registry list",
			"%s could not be analyzed again by %s; will retry", wording.Count(backlog.Later, "image"), analyzer)
	}
	if backlog.Never > 0 {
		e.Warn(subject, "their last analysis stays in use; list failing tags: tagwatch status --failing",
			"%s could not be analyzed again by %s after several attempts", wording.Count(backlog.Never, "image"), analyzer)
	}
}

func (e *examination) renewalSchedule(ctx context.Context) {
	state, err := e.linked.ScheduleState(ctx, workflows.RenewAnalysesID)
	remedy := "resume it in the Web UI, or: temporal schedule toggle --unpause --schedule-id " + workflows.RenewAnalysesID
	switch {
	case err != nil:
		e.Warn("renewals", "restart a worker, which creates it", "cannot read the schedule %s: %s", workflows.RenewAnalysesID, e.textOf(err))
	case state.Paused:
		e.Warn("renewals", remedy, "the schedule %s is paused: images are not analyzed again", workflows.RenewAnalysesID)
	}
}
