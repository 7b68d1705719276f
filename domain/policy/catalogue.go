package policy

// gates are all gates, by name. A new one is a file of its own and a line here.
var gates = []Gate{
	gateAlways,
	gateDockerfile,
	gateFiles,
	gateLicenses,
	gateMalware,
	gateMetadata,
	gateNPMs,
	gatePackages,
	gatePasswdFile,
	gateRetrievedFiles,
	gateRubyGems,
	gateSecretScans,
	gateVulnerabilities,
}
