package workflows

// Definitions are the workflows by the names of their types.
var Definitions = map[string]any{
	TypeWatchTag:           WatchTag,
	TypeAnalyzeImage:       AnalyzeImage,
	TypeWatchRegistry:      WatchRegistry,
	TypeWatchRepository:    WatchRepository,
	TypeFollowSource:       FollowSource,
	TypePlanSource:         PlanSource,
	TypeApplyConfiguration: ApplyConfiguration,
	TypeSyncFeed:           SyncFeed,
	TypeApplyPolicy:        ApplyPolicy,
	TypeApplyAcceptances:   ApplyAcceptances,
	TypeServeEndpoint:      ServeEndpoint,
	TypeReconcile:          Reconcile,
	TypeRenewAnalyses:      RenewAnalyses,
	TypeSummarize:          Summarize,
	TypePrune:              Prune,
	TypeRunTask:            RunTask,
	TypeTakeTurns:          TakeTurns,
	TypeTestEndpoint:       TestEndpoint,
	TypeSubscribe:          Subscribe,
	TypePlanRepository:     PlanRepository,
	TypeCheckRegistry:      CheckRegistry,
}

// QueueOf is the task queue of the workflows of a type.
func QueueOf(workflowType string) string {
	switch workflowType {
	case TypeWatchTag, TypeAnalyzeImage:
		return QueueTags
	}
	return QueueMain
}
