package policy

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// vulnerabilityTriggerID is <vulnerability>+<package>, where the package is named
// in the way that whitelists of its type do.
func vulnerabilityTriggerID(m *vuln.Match) string { return m.ID + packageOfTriggerID(m) }

// aliasTriggerIDs are what the trigger id would be under the vulnerability's other
// names: whitelists may know it by any of them.
func aliasTriggerIDs(m *vuln.Match) []string {
	var ids []string
	for _, name := range m.Names()[1:] {
		ids = append(ids, name+packageOfTriggerID(m))
	}
	return ids
}

func packageOfTriggerID(m *vuln.Match) string {
	return "+" + cmp.Or(packageInTriggerID(m), m.Package.Name+"-"+m.Package.Version)
}

func packageInTriggerID(m *vuln.Match) string {
	if IsOSPackage(m.Package.Type) {
		return m.Package.Name
	}
	path := strings.Split(m.Location, "/")
	switch PackageType(m.Package.Type) {
	case "java", "gem":
		return path[len(path)-1]
	case "npm":
		if len(path) > 1 {
			return path[len(path)-2]
		}
	}
	return ""
}

// message describes the vulnerability, and the values that the rule examined.
func (r vulnerabilityRule) message(m *vuln.Match) string {
	class, where := "non-os", m.Location
	if IsOSPackage(m.Package.Type) {
		class, where = "os", m.Package.Name
	}
	return fmt.Sprintf("%s Vulnerability found in %s package type (%s) - %s %s%s%s%s(%s - %s)",
		strings.ToUpper(cmp.Or(string(m.Severity), string(vuln.Unknown))), class, PackageType(m.Package.Type), where,
		fixText(m), r.scoreText(m, false), r.ageText(m), r.scoreText(m, true), m.ID, cmp.Or(m.URL, "N/A"))
}

func fixText(m *vuln.Match) string {
	if !hasFix(m) {
		return ""
	}
	return "(fixed in: " + strings.Join(m.Fix.Versions, ", ") + ")"
}

// scoreText shows the scores of one source that the rule examined. A score of
// zero is left out.
func (r vulnerabilityRule) scoreText(m *vuln.Match, vendor bool) string {
	var parts []string
	for _, condition := range r.scores {
		if score := condition.of(m); condition.vendor == vendor && score != 0 {
			parts = append(parts, condition.name+"="+pythonFloat(score))
		}
	}
	return group(parts)
}

func (r vulnerabilityRule) ageText(m *vuln.Match) string {
	var parts []string
	if r.sinceCreation.given && !m.Detected.IsZero() {
		parts = append(parts, "max_days_since_creation="+m.Detected.UTC().Format(time.DateOnly))
	}
	if r.looksAtFixAge(m) {
		parts = append(parts, "max_days_since_fix="+m.FixObserved.UTC().Format(time.DateOnly))
	}
	return group(parts)
}

func group(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, " ") + ")"
}
