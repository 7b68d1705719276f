package main

import "go.temporal.io/server/common/dynamicconfig"

// historyShards is written into a new database and cannot change afterwards. Each costs queues and timers; one machine needs few.
const historyShards = 4

// settings are the values that differ from Temporal's defaults. Updates, update-with-start, eager activities, priorities and user
// metadata are on by default. Nothing here changes what a workflow can do: everything that runs on this server runs on a cluster.
func settings() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// One host needs one partition a task queue: no forwarding between partitions, so a task meets its poller at once.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// Fair dispatch between the fairness keys of a queue: one busy key does not hold up the others.
		dynamicconfig.MatchingEnableFairness.Key(): true,
		// Nobody shares this server, so limits that protect tenants from each other only slow lists and bursts down.
		dynamicconfig.FrontendRPS.Key():                                  20_000,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           20_000,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 1_000,
		// Bounds on caches that otherwise grow with the number of workflows; the rest is read from the file.
		dynamicconfig.HistoryCacheHostLevelMaxSize.Key():     1_000,
		dynamicconfig.EventsHostLevelCacheMaxSizeBytes.Key(): 16 << 20,
		// The check asks a host on the internet for newer versions.
		dynamicconfig.EnableServerVersionCheck.Key(): false,
	}
}
