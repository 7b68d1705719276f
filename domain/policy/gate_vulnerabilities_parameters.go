package policy

import (
	"fmt"
	"slices"
)

var (
	comparisons = []string{"=", "!=", "<", ">", "<=", ">="}
	severities  = []string{"unknown", "negligible", "low", "medium", "high", "critical"}
)

// scoreKinds are the CVSS 3 scores that rules can examine.
var scoreKinds = []string{"base", "exploitability", "impact"}

// The prefixes of the parameters, which say whose score it is.
const (
	nvdScores    = "cvss_v3_"
	vendorScores = "vendor_cvss_v3_"
)

var vulnerabilityParameters = slices.Concat(
	[]Parameter{
		{
			Name:        "package_type",
			Description: "The packages to look at: those of the distribution, all others, or all.",
			Example:     "all",
			Type:        Enum,
			Values:      []string{"all", "os", "non-os"},
			Required:    true,
		},
		{
			Name:        "severity_comparison",
			Description: "How the severity is compared.",
			Example:     ">",
			Type:        Enum,
			Values:      comparisons,
			Default:     ">",
		},
		{
			Name:        "severity",
			Description: "The severity to compare with, ascending as listed. With neither this nor a comparison given, vulnerabilities of unknown severity are passed over.",
			Example:     "high",
			Type:        Enum,
			Values:      severities,
			Default:     "unknown",
		},
	},
	scoreParameters(nvdScores, "NVD's"),
	[]Parameter{
		{
			Name:        "fix_available",
			Description: "Whether a fix must be known, or must not. Not looked at if not given.",
			Example:     "true",
			Type:        Boolean,
		},
		vendorOnly,
		{
			Name:        "max_days_since_creation",
			Description: "Days since the vulnerability was first known to be in this image, whenever it was published. Fires only from then on.",
			Example:     "7",
			Type:        Integer,
		},
		{
			Name:        "max_days_since_fix",
			Description: "Days since a fix was first known. Fires only from then on. Without effect unless fix_available is true.",
			Example:     "30",
			Type:        Integer,
		},
	},
	scoreParameters(vendorScores, "the vendor's"),
	[]Parameter{{
		Name:        "package_path_exclude",
		Description: "Regular expression that matches from the start of the package's location. Such packages are passed over, unless they are of the distribution.",
		Example:     ".*/test/.*jar",
		Type:        Pattern,
	}},
	exploitationParameters,
)

// exploitationParameters are about use by attackers, as known and as predicted.
var exploitationParameters = []Parameter{
	{
		Name:        "known_exploited",
		Description: "Whether CISA's catalog must list the vulnerability as exploited, or must not. Not looked at if not given.",
		Example:     "true",
		Type:        Boolean,
		Addition:    true,
	},
	{
		Name:        "epss_score_comparison",
		Description: "How the EPSS score is compared.",
		Example:     ">=",
		Type:        Enum,
		Values:      comparisons,
		Default:     ">=",
		Addition:    true,
	},
	{
		Name:        "epss_score",
		Description: "Probability from 0 to 1 to compare with the EPSS score of the vulnerability; none counts as 0. Not looked at if not given.",
		Example:     "0.1",
		Type:        Float,
		Addition:    true,
		valid:       validProbability,
	},
}

// validProbability refuses percentages: nothing would ever reach them.
func validProbability(value string, _ map[string]string) error {
	c := check{params: map[string]string{"": value}}
	if number, _ := c.float(""); number < 0 || number > 1 {
		return fmt.Errorf("%q is not a probability from 0 to 1", value)
	}
	return nil
}

// scoreParameters are the scores of one source, each with its comparison.
func scoreParameters(prefix, whose string) []Parameter {
	var parameters []Parameter
	for _, kind := range scoreKinds {
		name := prefix + kind + "_score"
		parameters = append(parameters, Parameter{
			Name:        name + "_comparison",
			Description: "How " + whose + " CVSS 3 " + kind + " score is compared.",
			Example:     ">=",
			Type:        Enum,
			Values:      comparisons,
			Default:     ">=",
		}, Parameter{
			Name:        name,
			Description: "Score to compare with " + whose + " CVSS 3 " + kind + " score; of several scores the highest counts, and none counts as -1.0. Not looked at if not given.",
			Example:     "7.5",
			Type:        Float,
		})
	}
	return parameters
}
