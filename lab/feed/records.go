package feed

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// object is a JSON object of a provider's record.
type object map[string]any

// system is how the records of an operating system differ from those of another.
type system struct {
	id      string // in os-release
	format  string // of versions
	release string // of a vulnerability that names none
}

var systems = map[Provider]system{
	Alpine:     {id: "alpine", format: "apk", release: "3.20"},
	Amazon:     {id: "amzn", format: "rpm", release: "2023"},
	Chainguard: {id: "chainguard", format: "apk", release: "rolling"},
	Debian:     {id: "debian", format: "dpkg", release: "12"},
	Oracle:     {id: "ol", format: "rpm", release: "9"},
	Photon:     {id: "photon", format: "rpm", release: "5.0"},
	RedHat:     {id: "rhel", format: "rpm", release: "9"},
	SLES:       {id: "sles", format: "rpm", release: "15.5"},
	Ubuntu:     {id: "ubuntu", format: "dpkg", release: "24.04"},
	Wolfi:      {id: "wolfi", format: "apk", release: "rolling"},
}

func osRecordOf(g group) any {
	first := g[0]
	metadata := object{"Issued": timestamp(first.published())}
	record := object{
		"Name": first.ID, "NamespaceName": first.namespace(), "Severity": cmp.Or(first.Severity, "Unknown"),
		"Description": first.Description, "Link": first.link(), "Metadata": metadata,
	}
	if first.CVSS != "" {
		record["CVSS"] = []object{{"version": "3.1", "vector_string": first.CVSS}}
	}
	var aliases, fixed []object
	for _, alias := range first.Aliases {
		aliases = append(aliases, object{"Name": alias})
	}
	for _, v := range g {
		fixed = append(fixed, v.osFixedIn())
	}
	metadata["CVE"], record["FixedIn"] = aliases, fixed
	return object{"Vulnerability": record}
}

// namespace is the operating system with its release, as "debian:12".
func (v Vulnerability) namespace() string { return systems[v.Provider].id + ":" + v.release() }

// osFixedIn says "None" where there is no fix and "0" where the package is not
// affected, as the providers do.
func (v Vulnerability) osFixedIn() object {
	fixed := object{
		"Name": v.Package, "NamespaceName": v.namespace(), "Version": cmp.Or(v.Fixed, "None"), "VersionFormat": systems[v.Provider].format,
		"VulnerableRange": v.Affected, "VendorAdvisory": object{"NoAdvisory": v.FixState == WontFix},
	}
	if v.FixState == NotAffected {
		fixed["Version"] = "0"
	}
	if !v.FixDate.IsZero() {
		fixed["Available"] = object{"Date": timestamp(v.FixDate), "Kind": "advisory"}
	}
	return fixed
}

func githubRecordOf(g group) any {
	first := g[0]
	published := timestamp(first.published())
	advisory := object{
		"Classification": "GENERAL", "ghsaId": first.ID, "CVE": first.Aliases, "Severity": first.Severity, "Summary": first.Description,
		"url": first.link(), "namespace": "github:" + first.Ecosystem, "published": published, "updated": published,
	}
	if first.CVSS != "" {
		advisory["cvss_severities"] = []object{{"version": "3.1", "vector": first.CVSS}}
	}
	if first.Withdrawn {
		advisory["withdrawn"] = published
	}
	var fixed []object
	for _, v := range g {
		fixed = append(fixed, v.githubFixedIn())
	}
	advisory["FixedIn"] = fixed
	return object{"Advisory": advisory}
}

func (v Vulnerability) githubFixedIn() object {
	fixed := object{
		"name": v.Package, "ecosystem": v.Ecosystem, "namespace": "github:" + v.Ecosystem, "identifier": v.Fixed,
		"range": cmp.Or(v.Affected, ">=0"),
	}
	if v.Affected == "" && v.Fixed != "" {
		fixed["range"] = "<" + v.Fixed
	}
	if !v.FixDate.IsZero() {
		fixed["available"] = object{"date": timestamp(v.FixDate), "kind": "advisory"}
	}
	return fixed
}

// typicalVectors stand for a severity where no vector is given: NVD's records
// express severity only by vectors.
var typicalVectors = map[string]string{
	"critical": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", // 9.8
	"high":     "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", // 7.5
	"medium":   "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", // 5.3
	"low":      "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", // 3.1
}

func nvdRecordOf(g group) any {
	const nist = "nvd@nist.gov"
	english := func(text string) []object { return []object{{"lang": "en", "value": text}} }
	first := g[0]
	record := object{
		"id": first.ID, "published": timestamp(first.published()), "lastModified": timestamp(first.published()),
		"vulnStatus": "Analyzed", "descriptions": english(first.Description), "references": []object{{"url": first.link()}},
	}
	if first.Withdrawn {
		record["vulnStatus"] = "Rejected"
	}
	if vector := cmp.Or(first.CVSS, typicalVectors[strings.ToLower(first.Severity)]); vector != "" {
		record["metrics"] = object{"cvssMetricV31": []object{{"source": nist, "type": "Primary", "cvssData": object{
			"version": "3.1", "vectorString": vector, "baseSeverity": strings.ToUpper(first.Severity)}}}}
	}
	var weaknesses, configurations []object
	for _, cwe := range first.CWEs {
		weaknesses = append(weaknesses, object{"source": nist, "type": "Primary", "description": english(cwe)})
	}
	for _, v := range g {
		if v.Package != "" {
			configurations = append(configurations, object{"nodes": []object{{"operator": "OR", "cpeMatch": []object{v.nvdMatch()}}}})
		}
	}
	record["weaknesses"], record["configurations"] = weaknesses, configurations
	return object{"cve": record}
}

// nvdMatch reads ranges such as ">=1.0,<2.3".
func (v Vulnerability) nvdMatch() object {
	match := object{"vulnerable": true, "criteria": fmt.Sprintf("cpe:2.3:a:%s:*:*:*:*:*:*:*:*", v.Package)}
	for bound := range strings.SplitSeq(v.Affected, ",") {
		for _, each := range []struct{ operator, field string }{
			{">=", "versionStartIncluding"}, {"<=", "versionEndIncluding"}, {"<", "versionEndExcluding"},
		} {
			if version, found := strings.CutPrefix(strings.TrimSpace(bound), each.operator); found {
				match[each.field] = strings.TrimSpace(version)
				break
			}
		}
	}
	if v.Fixed != "" {
		fix := object{"version": v.Fixed}
		if !v.FixDate.IsZero() {
			fix["date"], fix["kind"] = day(v.FixDate), "advisory"
		}
		match["versionEndExcluding"], match["fix"] = v.Fixed, fix
	}
	return match
}

// kevRecordOf is an entry of CISA's catalog of known exploited vulnerabilities.
func kevRecordOf(v Vulnerability) any {
	added := v.published()
	return object{
		"cveID": v.cve(), "vulnerabilityName": v.Description, "product": v.Package, "knownRansomwareCampaignUse": "Unknown",
		"dateAdded": day(added), "dueDate": day(added.AddDate(0, 0, 21)), "requiredAction": "Apply mitigations per vendor instructions.",
	}
}

// epssRecordOf is a score of FIRST's Exploit Prediction Scoring System. It uses the
// probability for the percentile too: there are too few records to rank.
func epssRecordOf(v Vulnerability, date time.Time) any {
	return object{"cve": v.cve(), "epss": v.EPSS, "percentile": v.EPSS, "date": day(date)}
}

// oncePerCVE returns the selected vulnerabilities, the first of each CVE, sorted by
// CVE.
func oncePerCVE(vulnerabilities []Vulnerability, selected func(Vulnerability) bool) []Vulnerability {
	found := slices.DeleteFunc(slices.Clone(vulnerabilities), func(v Vulnerability) bool { return !selected(v) })
	slices.SortStableFunc(found, func(a, b Vulnerability) int { return cmp.Compare(a.cve(), b.cve()) })
	return slices.CompactFunc(found, func(a, b Vulnerability) bool { return a.cve() == b.cve() })
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
