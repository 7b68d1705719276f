package policy

import (
	"fmt"
	"slices"
)

// registryRules are the checks that gates npms and ruby_gems share. They compare
// the image's packages of one type with what the package registry publishes;
// without such data only the check for the data can fire.
type registryRules struct {
	syftType string
	feed     func(*Input) *PackageFeed
	// The messages as formats: of name, version and newest version; of name; of
	// name, version and known versions; of what is blacklisted.
	notLatest, notOfficial, badVersion, blacklisted string
	unavailable                                     string
}

func unwantedParameters(what string) []Parameter {
	return []Parameter{
		{Name: "name", Type: Text, Required: true, Example: "time_diff",
			Description: "Name of the " + what + "."},
		{Name: "version", Type: Text, Example: "0.2.9",
			Description: "The one unwanted version. Any if not given."},
	}
}

func (r registryRules) newer(c *check) error {
	r.eachKnown(c, func(name, version string, known Published) {
		if version != "" && version != known.Latest {
			c.fire(fmt.Sprintf(r.notLatest, name, version, known.Latest))
		}
	})
	return nil
}

// unknown fires per name that is not published, provided that another one is: a
// feed without any record of the image is not evidence.
func (r registryRules) unknown(c *check) error {
	var names []string
	someKnown := false
	feed := r.feed(c.input)
	for name := range each(c.memo.timeLimit, installedOf(c, r.syftType).names) {
		if feed == nil {
			return nil
		}
		if _, known := feed.Packages[name]; known {
			someKnown = true
		} else {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if someKnown {
			c.fire(fmt.Sprintf(r.notOfficial, name))
		}
	}
	return nil
}

// unpublished fires per version that is not published, of a name that is.
func (r registryRules) unpublished(c *check) error {
	r.eachKnown(c, func(name, version string, known Published) {
		if !slices.Contains(known.Versions, version) {
			c.fire(fmt.Sprintf(r.badVersion, name, version, pythonList(known.Versions)))
		}
	})
	return nil
}

func (r registryRules) eachKnown(c *check, visit func(name, version string, known Published)) {
	feed := r.feed(c.input)
	if feed == nil {
		return
	}
	packages := installedOf(c, r.syftType)
	for name := range each(c.memo.timeLimit, packages.names) {
		known, found := feed.Packages[name]
		for _, version := range packages.versions[name] {
			if found {
				visit(name, version, known)
			}
		}
	}
}

// blacklist fires once, if a package has the name and the version.
func (r registryRules) blacklist(c *check) error {
	name := c.value("name")
	version, given := c.text("version")
	versions := installedOf(c, r.syftType).versions[name]
	switch {
	case !given && len(versions) > 0:
		c.fire(fmt.Sprintf(r.blacklisted, name))
	case given && version != "" && slices.Contains(versions, version):
		c.fire(fmt.Sprintf(r.blacklisted, name+"-"+version))
	}
	return nil
}

// noFeed fires once, if there are packages but no data about them.
func (r registryRules) noFeed(c *check) error {
	if r.feed(c.input) == nil && len(installedOf(c, r.syftType).names) > 0 {
		c.fire(r.unavailable)
	}
	return nil
}
