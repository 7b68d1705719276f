package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// vendorOnly is a parameter that several checks share.
var vendorOnly = Parameter{
	Name:        "vendor_only",
	Description: "Pass over vulnerabilities that the vendor has decided not to fix.",
	Example:     "true",
	Type:        Boolean,
	Default:     "true",
}

var gateVulnerabilities = Gate{
	Name:        "vulnerabilities",
	Description: "Checks the vulnerabilities of the image's packages, and at the data they were matched with.",
	Triggers: []Trigger{
		{Name: "package", check: vulnerablePackage,
			Description: "Fires for each vulnerability of a package to which all conditions apply.",
			Parameters:  vulnerabilityParameters},
		{Name: "stale_feed_data", check: staleFeedData,
			Description: "Fires if the vulnerability data is older than that many days, or missing.",
			Parameters: []Parameter{{Name: "max_days_since_sync", Type: Integer, Required: true, Example: "10",
				Description: "Days since the data was built."}}},
		{Name: "vulnerability_data_unavailable", check: vulnerabilityDataUnavailable,
			Description: "Fires if the vulnerability data has nothing about the image's distribution, or if the image has packages of a distribution and does not say of which."},
		{Name: "blacklist", check: blacklistedVulnerabilities,
			Description: "Fires once if the image has any of the vulnerabilities.",
			Parameters: []Parameter{
				{Name: "vulnerability_ids", Type: List, Required: true, Example: "CVE-2019-1234,GHSA-jfh8-c2jp-5v3q",
					Description: "Ids of vulnerabilities, by any of their names: a CVE also finds the GHSA that stands for it. Case does not matter."},
				vendorOnly,
			}},
	},
}

// maxDays keeps sums of a moment and a rule's days within the calendar.
const maxDays = 100_000

func afterDays(t time.Time, days int) time.Time {
	return t.UTC().AddDate(0, 0, min(days, maxDays))
}

// AgeMatters reports whether any image can come to another outcome because data
// built at one time took the place of data built at another.
func (b *Bundle) AgeMatters(before, after, now time.Time) bool {
	for _, p := range b.Policies {
		for _, r := range p.Rules {
			if r.Gate != gateVulnerabilities.Name || r.Trigger != "stale_feed_data" {
				continue
			}
			c := &check{params: r.Params}
			days, _ := c.integer("max_days_since_sync")
			was, is := afterDays(before, days), afterDays(after, days)
			if now.Before(was) != now.Before(is) || is.Before(was) {
				return true
			}
		}
	}
	return false
}

func staleFeedData(c *check) error {
	days, _ := c.integer("max_days_since_sync")
	stale := afterDays(c.input.Feed.Built, days)
	if c.now.Before(stale) && !c.input.Feed.Built.IsZero() {
		c.changesAt(stale)
		return nil
	}
	c.fire(fmt.Sprintf("The vulnerability feed for this image distro is older than MAXAGE (%d) days", days))
	return nil
}

func vulnerabilityDataUnavailable(c *check) error {
	switch c.input.Feed.Coverage.State {
	case vuln.Covered, vuln.NotApplicable:
		return nil
	}
	name, version := distroName(c.input.Inventory.Distro)
	c.fire(fmt.Sprintf("Distro-specific feed data not found for distro namespace: %s:%s. Cannot perform CVE scan OS/distro packages", name, version))
	return nil
}

func blacklistedVulnerabilities(c *check) error {
	matches, err := matchesOf(c)
	if err != nil {
		return err
	}
	present := map[string]bool{}
	for m := range each(c.memo.timeLimit, matches) {
		if !c.flag("vendor_only") || !wontFix(m) {
			for _, id := range m.Refs() {
				present[id] = true
			}
		}
	}
	found := slices.DeleteFunc(c.list("vulnerability_ids"), func(id string) bool { return !present[strings.ToLower(id)] })
	if len(found) > 0 {
		c.fire("Blacklisted vulnerabilities detected: " + pythonList(found))
	}
	return nil
}
