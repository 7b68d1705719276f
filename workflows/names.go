package workflows

import (
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Names by which clients reach running workflows. Recorded histories hold them:
// add, never rename.
const (
	// SignalWake tells a workflow that there is something to do, or to show; its
	// argument is a watch.Wake.
	SignalWake = "wake"
	// SignalAnalyzed answers a request for an analysis; its argument is an Analyzed.
	SignalAnalyzed = "analyzed"
	// SignalWanted requests an analysis from AnalyzeImage; its argument is an
	// analysis.Request.
	SignalWanted = "wanted"
	// SignalTurn has TakeTurns run a workflow; its argument is a Turn.
	SignalTurn = "turn"

	// QueryStatus returns the state of a WatchTag, WatchRegistry, WatchRepository or
	// ServeEndpoint.
	QueryStatus = "status"
)

// The names of the workflow types.
const (
	TypeWatchTag         = "WatchTag"
	TypeAnalyzeImage     = "AnalyzeImage"
	TypeWatchRegistry    = "WatchRegistry"
	TypeWatchRepository  = "WatchRepository"
	TypeSubscribe        = "Subscribe"
	TypeSyncFeed         = "SyncFeed"
	TypeApplyPolicy      = "ApplyPolicy"
	TypeApplyAcceptances = "ApplyAcceptances"
	TypeServeEndpoint    = "ServeEndpoint"
	TypeReconcile        = "Reconcile"
	TypeRenewAnalyses    = "RenewAnalyses"
	TypeSummarize        = "Summarize"
	TypePrune            = "Prune"
	TypeRunTask          = "RunTask"
	TypeFollowSource     = "FollowSource"

	TypeApplyConfiguration = "ApplyConfiguration"
	TypeTakeTurns          = "TakeTurns"
)

// Search attributes of watchers, to filter and sort the list of workflows by.
var (
	AttributeRegistry   = temporal.NewSearchAttributeKeyKeyword("TagwatchRegistry")
	AttributeRepository = temporal.NewSearchAttributeKeyKeyword("TagwatchRepository")
	AttributeTag        = temporal.NewSearchAttributeKeyKeyword("TagwatchTag")
	AttributeDigest     = temporal.NewSearchAttributeKeyKeyword("TagwatchDigest")
	AttributePolicy     = temporal.NewSearchAttributeKeyKeyword("TagwatchPolicy")
	AttributeCritical   = temporal.NewSearchAttributeKeyInt64("TagwatchCritical")
	AttributeHigh       = temporal.NewSearchAttributeKeyInt64("TagwatchHigh")
	// AttributeCoverage is a vuln.CoverageState: whether the counts are all there is.
	AttributeCoverage = temporal.NewSearchAttributeKeyKeyword("TagwatchCoverage")
	// AttributeProblem is the step that keeps failing, or "none".
	AttributeProblem = temporal.NewSearchAttributeKeyKeyword("TagwatchProblem")
)

// Attributes are all of them; a Temporal namespace must know them.
var Attributes = []temporal.SearchAttributeKey{
	AttributeRegistry, AttributeRepository, AttributeTag, AttributeDigest, AttributePolicy, AttributeCritical, AttributeHigh, AttributeCoverage, AttributeProblem,
}

// RegistryLabels and the like are the search attributes that say what a workflow
// watches.
func RegistryLabels(registry string) []temporal.SearchAttributeUpdate {
	return []temporal.SearchAttributeUpdate{AttributeRegistry.ValueSet(registry)}
}

func RepositoryLabels(repository image.Repository) []temporal.SearchAttributeUpdate {
	return append(RegistryLabels(repository.Registry), AttributeRepository.ValueSet(repository.String()))
}

func TagLabels(target image.Target) []temporal.SearchAttributeUpdate {
	return append(RepositoryLabels(target.Reference.Repository), AttributeTag.ValueSet(target.String()))
}

// What the ids of watchers begin with; a name follows. A watcher is a workflow that lives
// as long as the store needs it: WatchTag, WatchRegistry, WatchRepository, ServeEndpoint.
const (
	PrefixTag        = "watch-tag:"
	PrefixRegistry   = "watch-registry:"
	PrefixRepository = "watch-repository:"
	PrefixSource     = "source:"
	PrefixEndpoint   = "endpoint:"
)

// WatchTagID is the id of the one watcher of a target.
func WatchTagID(target image.Target) string { return PrefixTag + target.String() }

// AnalyzeImageID is the id of the one analysis of an image.
func AnalyzeImageID(digest image.Digest) string { return "analyze-image:" + string(digest) }

// WatchRegistryID is the id of the one poller of a registry.
func WatchRegistryID(registry string) string { return PrefixRegistry + registry }

// WatchRepositoryID is the id of the one watcher of a repository.
func WatchRepositoryID(repository image.Repository) string {
	return PrefixRepository + repository.String()
}

// FollowSourceID is the id of the one workflow that reads a source.
func FollowSourceID(name string) string { return PrefixSource + name }

// ServeEndpointID is the id of the one workflow that sends to an endpoint.
func ServeEndpointID(endpoint string) string { return PrefixEndpoint + endpoint }
