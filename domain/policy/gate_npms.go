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
	Description: "Compares the image's npm packages with those that the npm registry publishes.",
	Triggers: []Trigger{
		{Name: "newer_version_in_feed", check: npmRules.newer,
			Description: "Fires for each installed version that is not the newest published one."},
		{Name: "unknown_in_feeds", check: npmRules.unknown,
			Description: "Fires for each package that the registry does not have, unless it has none of the image's."},
		{Name: "version_not_in_feeds", check: npmRules.unpublished,
			Description: "Fires for each installed version that was not published, of packages that the registry has."},
		{Name: "blacklisted_name_version", check: npmRules.blacklist,
			Description: "Fires once if the package is installed.",
			Parameters:  unwantedParameters("npm package")},
		{Name: "feed_data_unavailable", check: npmRules.noFeed,
			Description: "Fires if the image has npm packages and there is no data of the registry."},
	},
}
