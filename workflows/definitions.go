package workflows

// Definitions are the workflows by the names of their types.
var Definitions = map[string]any{
	TypeWatchTag:        WatchTag,
	TypeAnalyzeImage:    AnalyzeImage,
	TypeWatchRegistry:   WatchRegistry,
	TypeWatchRepository: WatchRepository,
	TypeSyncFeed:        SyncFeed,
	TypeApplyPolicy:     ApplyPolicy,
	TypeServeEndpoint:   ServeEndpoint,
	TypeReconcile:       Reconcile,
	TypeRenewAnalyses:   RenewAnalyses,
	TypeTestEndpoint:    TestEndpoint,
	TypePlanRepository:  PlanRepository,
	TypeCheckRegistry:   CheckRegistry,
}
