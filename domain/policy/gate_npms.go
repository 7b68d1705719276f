package policy

var npmRules = registryRules{
	syftType:    "npm",
	feed:        func(s *Input) *PackageFeed { return s.NPM },
	notLatest:   "NPMNOTLATEST Package (%s) version (%s) installed but is not the latest version (%s)",
	notOfficial: "NPMNOTOFFICIAL Package (%s) in container but not in official NPM feed.",
	badVersion:  "NPMBADVERSION Package (%s) version (%s) installed but version is not in the official feed for this package (%s)",
	blacklisted: "NPM Package is blacklisted: %s",
	unavailable: "NPM packages are present but the anchore npm feed is not available - will be unable to perform checks that require feed data",
}

var gateNPMs = Gate{
	Name:        "npms",
	Description: "Looks at the image's npm packages and at what the npm registry publishes of them.",
	Triggers: []Trigger{
		{
			Name:        "newer_version_in_feed",
			Description: "Fires for each installed version that is not the newest published one.",
			check:       npmRules.newer,
		},
		{
			Name:        "unknown_in_feeds",
			Description: "Fires for each package that the registry does not know, unless it knows none of the image's.",
			check:       npmRules.unknown,
		},
		{
			Name:        "version_not_in_feeds",
			Description: "Fires for each installed version that was not published, of packages that the registry knows.",
			check:       npmRules.unpublished,
		},
		{
			Name:        "blacklisted_name_version",
			Description: "Fires once if the package is installed.",
			Parameters:  unwantedParameters("npm package"),
			check:       npmRules.blacklist,
		},
		{
			Name:        "feed_data_unavailable",
			Description: "Fires if the image has npm packages and no data of the registry are at hand.",
			check:       npmRules.noFeed,
		},
	},
}
