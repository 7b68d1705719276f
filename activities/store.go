package activities

// Store is everything that the steps keep, each part declared beside the step
// that needs it.
type Store interface {
	conditionStore
	subscriptionStore
	startStore
	tagStore
	pollStore
	imageStore
	findingStore
	feedStore
	workerStore
	renewalStore
	summaryStore
	policyStore
	outcomeStore
	repositoryStore
	sourceStore
	notificationStore
	deliveryStore
	retentionStore
	reconcileStore
}
