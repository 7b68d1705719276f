package notification

import (
	"fmt"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// acceptanceChanges are the acceptances that begin or cease to cover findings of the tag.
type acceptanceChanges struct {
	Begun []acceptanceChange `json:"begun,omitempty"`
	Ended []acceptanceChange `json:"ended,omitempty"`
}

type acceptanceChange struct {
	vuln.Accepted
	Vulnerability  string         `json:"vulnerability"`
	PackageName    string         `json:"package_name"`
	PackageVersion string         `json:"package_version"`
	EndedBy        acceptance.End `json:"ended_by,omitempty"`
}

func newAcceptanceChanges(changes []acceptance.Change) (a acceptanceChanges) {
	for _, c := range changes {
		change := acceptanceChange{c.Accepted, c.Vulnerability, c.Package.Name, c.Package.Version, c.End}
		if c.End == "" {
			a.Begun = append(a.Begun, change)
		} else {
			a.Ended = append(a.Ended, change)
		}
	}
	return a
}

// IsZero leaves out what is empty.
func (a acceptanceChanges) IsZero() bool { return len(a.Begun)+len(a.Ended) == 0 }

func (a acceptanceChanges) lines() []string {
	lines := []string{}
	for _, c := range a.Begun {
		lines = append(lines, fmt.Sprintf("acceptance %d covers %s of %s %s: %s", c.ID, c.Vulnerability, c.PackageName, c.PackageVersion, c.Reason))
	}
	for _, c := range a.Ended {
		lines = append(lines, fmt.Sprintf("acceptance %d of %s of %s %s ended (%s): %s", c.ID, c.Vulnerability, c.PackageName, c.PackageVersion, c.EndedBy, c.Reason))
	}
	return lines
}

// ends names, in a summary, the acceptances that began and ended.
func ends(changes []acceptance.Change) string {
	var begun, ended []string
	for _, c := range changes {
		if c.End == "" {
			begun = append(begun, fmt.Sprintf("%d of %s", c.ID, c.Vulnerability))
		} else {
			ended = append(ended, fmt.Sprintf("%d of %s (%s)", c.ID, c.Vulnerability, c.End))
		}
	}
	text := ""
	if len(begun) > 0 {
		text += "; risk accepted" + named(begun)
	}
	if len(ended) > 0 {
		text += "; acceptance ended" + named(ended)
	}
	return text
}
