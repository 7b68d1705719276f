package feed

import "cmp"

// system is how the records of an operating system differ from those of another.
type system struct {
	id      string // in os-release
	format  string // of versions
	release string // used when a vulnerability names none
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

type osRecord struct {
	Vulnerability osVulnerability `json:"Vulnerability"`
}

type osVulnerability struct {
	Name          string      `json:"Name"`
	NamespaceName string      `json:"NamespaceName"`
	Severity      string      `json:"Severity"`
	Description   string      `json:"Description"`
	Link          string      `json:"Link"`
	CVSS          []osCVSS    `json:"CVSS"`
	FixedIn       []osFixedIn `json:"FixedIn"`
	Metadata      osMetadata  `json:"Metadata"`
}

type osCVSS struct {
	Version      string `json:"version"`
	VectorString string `json:"vector_string"`
}

type osMetadata struct {
	Issued string  `json:"Issued"`
	CVE    []osCVE `json:"CVE,omitempty"`
}

type osCVE struct {
	Name string `json:"Name"`
	Link string `json:"Link"`
}

type osFixedIn struct {
	Name            string     `json:"Name"`
	NamespaceName   string     `json:"NamespaceName"`
	Version         string     `json:"Version"`
	VersionFormat   string     `json:"VersionFormat"`
	VulnerableRange string     `json:"VulnerableRange,omitempty"`
	VendorAdvisory  osAdvisory `json:"VendorAdvisory"`
	Available       osDate     `json:"Available"`
}

type osAdvisory struct {
	NoAdvisory bool `json:"NoAdvisory"`
}

type osDate struct {
	Date string `json:"Date,omitempty"`
	Kind string `json:"Kind,omitempty"`
}

func osRecordOf(g group) any {
	first := g[0]
	record := osVulnerability{
		Name:          first.ID,
		NamespaceName: first.namespace(),
		Severity:      cmp.Or(first.Severity, "Unknown"),
		Description:   first.Description,
		Link:          first.link(),
		Metadata:      osMetadata{Issued: timestamp(first.published())},
	}
	if first.CVSS != "" {
		record.CVSS = []osCVSS{{Version: "3.1", VectorString: first.CVSS}}
	}
	for _, alias := range first.Aliases {
		record.Metadata.CVE = append(record.Metadata.CVE, osCVE{Name: alias})
	}
	for _, v := range g {
		record.FixedIn = append(record.FixedIn, v.osFixedIn())
	}
	return osRecord{Vulnerability: record}
}

// namespace is the operating system with its release, as "debian:12".
func (v Vulnerability) namespace() string { return systems[v.Provider].id + ":" + v.release() }

// osFixedIn says "None" where there is no fix and "0" where the package is not
// affected, as the providers do.
func (v Vulnerability) osFixedIn() osFixedIn {
	fixed := osFixedIn{
		Name:            v.Package,
		NamespaceName:   v.namespace(),
		Version:         cmp.Or(v.Fixed, "None"),
		VersionFormat:   systems[v.Provider].format,
		VulnerableRange: v.Affected,
		VendorAdvisory:  osAdvisory{NoAdvisory: v.FixState == WontFix},
	}
	if v.FixState == NotAffected {
		fixed.Version = "0"
	}
	if !v.FixDate.IsZero() {
		fixed.Available = osDate{Date: timestamp(v.FixDate), Kind: "advisory"}
	}
	return fixed
}
