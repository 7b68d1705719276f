package policy

var gemRules = registryRules{
	syftType:    "gem",
	feed:        func(s *Input) *PackageFeed { return s.Gems },
	notLatest:   "Package (%s) version (%s) installed but is not the latest version (%s)",
	notOfficial: "GEMNOTOFFICIAL Package (%s) in container but not in official GEM feed.",
	badVersion:  "GEMBADVERSION Package (%s) version (%s) installed but version is not in the official feed for this package (%s)",
	blacklisted: "Gem Package is blacklisted: %s",
	unavailable: "Gem packages are present but the anchore gem feed is not available - will be unable to perform checks that require feed data",
}

var gateRubyGems = Gate{
	Name:        "ruby_gems",
	Description: "Compares the image's Ruby gems with those that the gem registry publishes.",
	Triggers: []Trigger{
		{Name: "newer_version_found_in_feed", check: gemRules.newer,
			Description: "Fires for each installed version that is not the newest published one."},
		{Name: "not_found_in_feed", check: gemRules.unknown,
			Description: "Fires for each gem that the registry does not have, unless it has none of the image's."},
		{Name: "version_not_found_in_feed", check: gemRules.unpublished,
			Description: "Fires for each installed version that was not published, of gems that the registry has."},
		{Name: "blacklist", check: gemRules.blacklist,
			Description: "Fires once if the gem is installed.",
			Parameters:  unwantedParameters("gem")},
		{Name: "feed_data_unavailable", check: gemRules.noFeed,
			Description: "Fires if the image has gems and there is no data of the registry."},
	},
}
