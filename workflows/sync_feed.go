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
	// Held reports why a build is on hold.
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

// SyncFeed brings the vulnerability data up to date: fetch, verify and judge,
// then move to the new build, then wake the tags that it touched. It may
// be interrupted anywhere and run again.
func SyncFeed(ctx workflow.Context, request databuild.SyncRequest) (Synced, error) {
	return watched(ctx, SyncFeedID, func(ctx workflow.Context) (Synced, error) { return syncFeed(ctx, request) })
}

// syncFeed fetches and judges again when the move was not made: the data that it was
// to lead to may be older than the next.
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
	workflow.SetCurrentDetails(ctx, "### Asking for new vulnerability data\n")
	fetched, err := call(ctx, fetching, "fetch, verify and judge", Activities.FetchFeed, request)
	if err != nil {
		return Synced{}, false, err
	}
	result = Synced{Build: fetched.Current, Held: fetched.Held, Ended: fetched.Ended, Refused: fetched.Refused}
	if fetched.Build == nil {
		workflow.SetCurrentDetails(ctx, unchangedDetails(fetched))
		return result, false, nil
	}
	workflow.SetCurrentDetails(ctx, "### Matching again what the new data touch\n\nBuild "+plain.Code(fetched.Build.Checksum)+"\n")
	advanced, err := call(limited(ctx, advanceRounds), matching, "advance to the build", Activities.AdvanceFeed,
		databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current, Leave: fetched.Leave})
	if err != nil {
		return result, ctx.Err() == nil && !permanentKind(kindOf(err)), err
	}
	if advanced.Superseded {
		return result, true, nil
	}
	result.Build, result.Groups, result.Changed = advanced.Build, advanced.Groups, advanced.Changed
	done, err := call(ctx, bulk, "evaluate the tags that the data touch", Activities.Reevaluate, watch.ReevaluateRequest{Build: advanced.Build})
	result.Woken = done.Evaluated + done.Outdated
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Up to date\n\nBuild %s: %d package groups matched again, %d of them changed, %d tags woken.\n",
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
