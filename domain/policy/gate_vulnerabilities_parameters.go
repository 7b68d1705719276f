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
		{Name: "package_type", Type: Enum, Values: []string{"all", "os", "non-os"}, Required: true, Example: "all",
			Description: "The packages to check: those of the distribution, all others, or all."},
		{Name: "severity_comparison", Type: Enum, Values: comparisons, Default: ">", Example: ">",
			Description: "How the severity is compared."},
		{Name: "severity", Type: Enum, Values: severities, Default: "unknown", Example: "high",
			Description: "The severity to compare with, ascending as listed. With neither this nor a comparison given, vulnerabilities of unknown severity are passed over."},
	},
	scoreParameters(nvdScores, "NVD's"),
	[]Parameter{
		{Name: "fix_available", Type: Boolean, Example: "true",
			Description: "Whether there must be a fix, or none. Not checked if not given."},
		vendorOnly,
		{Name: "max_days_since_creation", Type: Integer, Example: "7",
			Description: "Days since the vulnerability was first found in this image, whenever it was published. Fires only from then on."},
		{Name: "max_days_since_fix", Type: Integer, Example: "30",
			Description: "Days since a fix was first found. Fires only from then on. Without effect unless fix_available is true."},
	},
	scoreParameters(vendorScores, "the vendor's"),
	[]Parameter{{Name: "package_path_exclude", Type: Pattern, Example: ".*/test/.*jar",
		Description: "Regular expression that matches from the start of the package's location. Such packages are passed over, unless they are of the distribution."}},
	exploitationParameters,
)

// exploitationParameters are about use by attackers, as known and as predicted.
var exploitationParameters = []Parameter{
	{Name: "known_exploited", Type: Boolean, Example: "true", Addition: true,
		Description: "Whether CISA's catalog must list the vulnerability as exploited, or must not. Not checked if not given."},
	{Name: "epss_score_comparison", Type: Enum, Values: comparisons, Default: ">=", Example: ">=", Addition: true,
		Description: "How the EPSS score is compared."},
	{Name: "epss_score", Type: Float, Example: "0.1", Addition: true, valid: validProbability,
		Description: "Probability from 0 to 1 to compare with the EPSS score of the vulnerability; none counts as 0. Not checked if not given."},
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
		parameters = append(parameters, Parameter{Name: name + "_comparison", Type: Enum, Values: comparisons, Default: ">=", Example: ">=",
			Description: "How " + whose + " CVSS 3 " + kind + " score is compared."}, Parameter{
			Name:        name,
			Description: "Score to compare with " + whose + " CVSS 3 " + kind + " score; of several scores the highest counts, and none counts as -1.0. Not checked if not given.",
			Example:     "7.5",
			Type:        Float,
		})
	}
	return parameters
}
