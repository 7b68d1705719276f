package workflows

// About says, for whoever opens a workflow of a type in Temporal's Web UI, what it does,
// what it waits for and what ends it. It is shown there as the details of the workflow.
func About(workflowType string) string { return about[workflowType] }

var about = map[string]string{
	TypeWatchTag: `Follows one tag while it has a subscription. A resync finds out which image the tag points to, ` +
		"requests its analysis from `AnalyzeImage`, matches it with the vulnerability data, evaluates the policies, and " +
		"stores the outcome with its notifications. `ServeEndpoint` sends them.\n\n" +
		"It waits for the next resync, for the signal `wake`, and for `analyzed`, the result of an analysis. " +
		"`WatchRegistry` checks the tag more often and wakes this workflow if the tag moved. " +
		"A resync that fails is repeated. It ends when the last subscription is removed.\n\n" +
		"The current details beside this show its state.",
	TypeAnalyzeImage: "Analyzes one image, once for all tags that point to it. `WatchTag` and `RenewAnalyses` request it with the " +
		"signal `wanted`, and get the result as the signal `analyzed`. A failure that may pass is retried. " +
		"It ends when all requests are answered.",
	TypeWatchRegistry: "Checks the tags of one registry, each at its interval, and wakes the `WatchTag` of a tag that moved. " +
		"It waits until the next tag is due, or for the signal `wake`. It ends when no tag of the registry is watched.",
	TypeWatchRepository: "Lists the tags of one repository at its interval, subscribes to new ones and starts their `WatchTag`, and " +
		"ends the watch of removed ones. It waits for the next listing or for the signal `wake`. " +
		"It ends when the repository is not watched any more.",
	TypeFollowSource: "Reads one source at its interval, such as a list or a Compose project, subscribes to the tags that appear in it and " +
		"starts their `WatchTag`, and ends the subscriptions that it made of those that are gone. It waits for the next reading " +
		"or for the signal `wake`. It ends when the source is removed.",
	TypeApplyConfiguration: "Applies the folder of documents that workers have (`--config-dir`), when a worker starts and when the folder changes. " +
		"It waits to try again while that fails, or for the signal `wake`. It ends once the folder is applied, or no worker has one.",
	TypeServeEndpoint: "Sends the deliveries of one endpoint, which are rows of the database, and retries them. It waits until the next " +
		"attempt is due, or for the signal `wake`. It ends when the endpoint is deleted.",
	TypeSyncFeed: "Fetches vulnerability data, verifies and judges it, matches the packages that it concerns, makes it current, and " +
		"evaluates the tags that it concerns. Data that looks wrong is put on hold for a person. One run at a time.",
	TypeApplyPolicy: "Makes a stored policy bundle the active one and evaluates the tags that it concerns. One run at a time.",
	TypeApplyAcceptances: "Evaluates the tags that the stored acceptances of vulnerabilities concern. " +
		"One run at a time.",
	TypeReconcile: "Compares the running workflows with those that the database needs: starts the missing ones, wakes those that " +
		"are not needed, which then end, and wakes endpoints with overdue deliveries. A dry run only counts. One run at a time.",
	TypeRenewAnalyses: "After a change of the analyzer, has the images that another version analyzed analyzed again, one after the " +
		"other and with the lowest priority. The signal `analyzed` is the result for one image. One run at a time.",
	TypeSummarize: "After a change of the analyzer or the matcher, waits until the tags are checked with the new version, and sends " +
		"each endpoint one summary of what changed. One run at a time.",
	TypePrune: "Deletes images that no tag points to any more and notifications, both after the retention. One run at a time.",
	TypeRunTask: "What a schedule starts. It runs the task as a child workflow that has the id of the task, so that only one " +
		"run of a task exists, and ends with it. If a run of the task exists already, it ends at once.",
	TypeTakeTurns: "Runs workflows of which there is one run at a time, as child workflows, in the order of the signals `turn` that ask " +
		"for them. It ends when none is left.",
	TypeSubscribe: "Subscribes to a page of tags for a person or a program that waits for the result: verifies that the tags exist, " +
		"stores the subscriptions, and starts a `WatchTag` for each. The result has one entry for each tag, in order.",
	TypeCheckRegistry:  "Reports the settings of a registry and whether a worker can reach it. It changes nothing.",
	TypePlanRepository: "Reports which tags would be watched in a repository. It changes nothing.",
	TypePlanSource:     "Reports which tags a source would bring. It changes nothing.",
	TypeTestEndpoint:   "Sends one sample notification to an endpoint and reports the answer.",
}
