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
	Description: "Looks at the image's Ruby gems and at what the gem registry publishes of them.",
	Triggers: []Trigger{
		{
			Name:        "newer_version_found_in_feed",
			Description: "Fires for each installed version that is not the newest published one.",
			check:       gemRules.newer,
		},
		{
			Name:        "not_found_in_feed",
			Description: "Fires for each gem that the registry does not know, unless it knows none of the image's.",
			check:       gemRules.unknown,
		},
		{
			Name:        "version_not_found_in_feed",
			Description: "Fires for each installed version that was not published, of gems that the registry knows.",
			check:       gemRules.unpublished,
		},
		{
			Name:        "blacklist",
			Description: "Fires once if the gem is installed.",
			Parameters:  unwantedParameters("gem"),
			check:       gemRules.blacklist,
		},
		{
			Name:        "feed_data_unavailable",
			Description: "Fires if the image has gems and no data of the registry are at hand.",
			check:       gemRules.noFeed,
		},
	},
}
