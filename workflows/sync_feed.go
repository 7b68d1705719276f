package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Synced is the outcome of one run of SyncFeed.
type Synced struct {
	// Build is current now; "" without any.
	Build string
	// Held are the reasons why a build is on hold; empty if none is.
	Held []string
	// Ended is the checksum of one that is not on hold any more, as the publisher
	// does not list it any more; Refused of what it lists although a person
	// rejected it; "" without.
	Ended, Refused string
	// Groups were matched again, Changed of them have other findings, and Woken
	// tags were evaluated again or their watchers woken.
	Groups, Changed, Woken int
}

// advanceRounds is how many rounds a move to other data is tried before the source
// is asked again: what cannot be used must not keep away what is newer.
const advanceRounds = 6

// SyncFeed brings the vulnerability data up to date. Its schedule starts it (see RunTask),
// and the command line, which joins a running one, or waits for its end to import a file,
// release a build or roll back.
//
//  1. FetchFeed downloads, verifies and judges the newest build. It is not repeated: if it
//     fails, the run fails, and the schedule starts the next. A build that is suspicious is
//     put on hold, and the run ends
//  2. AdvanceFeed matches again the packages that the build touches, and makes it current
//     together with their findings in one transaction. After 6 failed rounds, or if another
//     build became current meanwhile, the run begins again with FetchFeed
//  3. Reevaluate evaluates the tags that the findings concern, and is repeated until it
//     succeeds
//
// It may be interrupted anywhere and run again. It never analyzes images.
func SyncFeed(ctx workflow.Context, request databuild.SyncRequest) (Synced, error) {
	return watched(ctx, SyncFeedID, func(ctx workflow.Context) (Synced, error) { return syncFeed(ctx, request) })
}

// syncFeed begins again with a fetch when the build could not be made current: there may
// be a newer one.
func syncFeed(ctx workflow.Context, request databuild.SyncRequest) (Synced, error) {
	for {
		synced, again, err := syncOnce(ctx, request)
		if !again {
			return synced, err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return synced, workflow.NewContinueAsNewError(ctx, SyncFeed, request)
		}
	}
}

func syncOnce(ctx workflow.Context, request databuild.SyncRequest) (result Synced, again bool, err error) {
	workflow.SetCurrentDetails(ctx, "### Fetching new vulnerability data\n")
	fetched, err := call(ctx, fetching, "fetch, verify and judge the newest data", Activities.FetchFeed, request)
	if err != nil {
		return Synced{}, false, err
	}
	result = Synced{Build: fetched.Current, Held: fetched.Held, Ended: fetched.Ended, Refused: fetched.Refused}
	if fetched.Build == nil {
		workflow.SetCurrentDetails(ctx, unchangedDetails(fetched))
		return result, false, nil
	}
	workflow.SetCurrentDetails(ctx, "### Matching the packages that the new data concerns\n\nBuild "+plain.Code(fetched.Build.Checksum)+"\n")
	advanced, err := call(limited(ctx, advanceRounds), matching, "match with the new data and make it current", Activities.AdvanceFeed,
		databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current, Leave: fetched.Leave, By: request.By, Action: request.Action()})
	if err != nil {
		return result, ctx.Err() == nil && !permanentKind(kindOf(err)), err
	}
	if advanced.Superseded {
		return result, true, nil
	}
	result.Build, result.Groups, result.Changed = advanced.Build, advanced.Groups, advanced.Changed
	done, err := call(ctx, bulk, "evaluate the tags that the new data concerns", Activities.Reevaluate, watch.ReevaluateRequest{Build: advanced.Build})
	result.Woken = done.Evaluated + done.Outdated
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Up to date\n\nBuild %s: %d package groups matched again, %d of them changed, %d tags evaluated.\n",
		plain.Code(result.Build), result.Groups, result.Changed, result.Woken))
	return result, false, err
}

func unchangedDetails(fetched databuild.Fetched) string {
	switch {
	case len(fetched.Held) > 0:
		return "### New vulnerability data is on hold\n\n- " + strings.Join(literals(fetched.Held), "\n- ") +
			"\n\nUse it with `tagwatch feed release`, or wait for the next.\n"
	case fetched.Refused != "":
		return "### Nothing new\n\nThe publisher lists build " + plain.Code(fetched.Refused) + ", which was rejected. Build " + plain.Code(fetched.Current) + " stays.\n"
	case fetched.Ended != "":
		return "### Nothing new\n\nBuild " + plain.Code(fetched.Ended) + " is not on hold any more: the publisher does not list it. Build " + plain.Code(fetched.Current) + " is current.\n"
	}
	return "### Nothing new\n\nBuild " + plain.Code(fetched.Current) + " is current.\n"
}

// literals are texts that Markdown shows as they are.
func literals(texts []string) []string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = plain.Markdown(text)
	}
	return shown
}
