package notification

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Explanation says in words why a notification was sent.
type Explanation struct {
	Reason   string   `json:"reason"` // one sentence
	Evidence []Fact   `json:"evidence"`
	Details  []string `json:"details"` // what changed, one line each
}

// Fact is a piece of evidence, before and now.
type Fact struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	Now    string `json:"now,omitempty"`
}

// Changed reports whether it differs from before.
func (f Fact) Changed() bool { return f.Before != "" && f.Before != f.Now }

// reasons say what the causes mean.
var reasons = map[Cause]string{
	CauseImage:   "the tag points to another image, or its image was analyzed",
	CauseFeed:    "there is new vulnerability data",
	CausePolicy:  "another bundle is active: a policy, a whitelist or a mapping changed",
	CauseTime:    "time passed: a rule, a whitelist item or an acceptance depends on it",
	CauseScanner: "a new version of what analyzes or matches checks the same image",

	CauseAcceptance: "somebody accepted a risk, or revoked that",
}

type explained struct {
	Cause  Cause
	Causes []Cause
	evidence
	Previous   evidence // of the last notification; zero for the first
	Difference struct {
		Added, Updated, Removed []record
	} `json:"diff_vulnerability_result"`
	Image       *imageDifference  `json:"image_difference"`
	Acceptances acceptanceChanges `json:"acceptances"`
	Workloads   []workload.Instance
	Workload    workload.Key
	Age         workload.Age
	LastEval    json.RawMessage `json:"last_eval"`
	CurrEval    json.RawMessage `json:"curr_eval"`
	New         []string        `json:"new_tags"`
	Removed     []string        `json:"removed_tags"`
	Event       struct {
		Type    string
		Level   Level
		Message string
		Details struct {
			Lists []Revision // of a summary
		}
	}
}

// Explain reads the cause and the evidence of a notification from the payload that its
// receivers got.
func Explain(n Notification) (Explanation, error) {
	var p explained
	if err := json.Unmarshal(n.Payload, &p); err != nil {
		return Explanation{}, fmt.Errorf("read the payload of notification %s: %w: %w", n.ID, errkind.Invalid, err)
	}
	return Explanation{Reason: p.reason(n), Evidence: p.facts(), Details: p.details(n.Type)}, nil
}

func (p explained) reason(n Notification) string {
	causes := p.Causes
	if len(causes) == 0 && n.Cause != "" {
		causes = []Cause{n.Cause}
	}
	var parts []string
	for _, cause := range causes {
		parts = append(parts, fmt.Sprintf("%s (%s)", reasons[cause], cause))
	}
	switch {
	case n.Type == RepoUpdate:
		return "the registry lists other tags than before"
	case n.Type == RuntimeUpdate:
		return "a workload starts to run another image"
	case len(parts) == 0:
		return "something happened to Tagwatch itself"
	}
	return strings.Join(parts, "; ")
}

func (p explained) facts() []Fact {
	facts := []Fact{}
	for _, f := range []Fact{
		{"image", string(p.Previous.ImageDigest), string(p.ImageDigest)},
		{"index", string(p.Previous.IndexDigest), string(p.IndexDigest)},
		{"vulnerability data", p.Previous.Build, p.Build},
		{"matcher", string(p.Previous.Matcher), string(p.Matcher)},
		{"bundle", p.Previous.Bundle, p.Bundle},
		{"analyzer", p.Previous.Analyzer, p.Analyzer},
	} {
		if f.Before != "" || f.Now != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

func (p explained) details(t Type) []string {
	switch t {
	case VulnUpdate:
		return slices.Concat(p.vulnerabilities(), p.Acceptances.lines())
	case PolicyEval:
		return slices.Concat(p.rules(), p.Acceptances.lines())
	case TagUpdate:
		return slices.Concat(p.Image.lines(), p.olderLines())
	case RuntimeUpdate:
		return []string{fmt.Sprintf("%s, of source %s: %s", p.Workload, p.Workload.Source, ages[p.Age])}
	case RepoUpdate:
		return slices.Concat(prefixed("new tag ", p.New), prefixed("removed tag ", p.Removed))
	case EventLog:
		return p.logged()
	}
	return []string{}
}

func (p explained) logged() []string {
	lines := []string{fmt.Sprintf("%s %s: %s", p.Event.Level, p.Event.Type, p.Event.Message)}
	for _, r := range p.Event.Details.Lists {
		lines = append(lines, fmt.Sprintf("%s: %d added, %d updated, %d removed; all of it: tagwatch explain %s", r.Tag, r.Added, r.Updated, r.Removed, r.Notification))
	}
	return lines
}

func (p explained) vulnerabilities() []string {
	lines := []string{}
	for _, r := range p.Difference.Added {
		lines = append(lines, "added "+r.line())
	}
	for _, r := range p.Difference.Updated {
		line := "updated " + r.line()
		if r.Previous != nil {
			line += "; was " + r.Previous.line()
		}
		lines = append(lines, line)
	}
	for _, r := range p.Difference.Removed {
		lines = append(lines, "removed "+r.line())
	}
	return lines
}

// olderLines are the workloads that ran an older image when the tag moved.
func (p explained) olderLines() (lines []string) {
	for _, each := range p.Workloads {
		lines = append(lines, fmt.Sprintf("%s ran %s in %d of its containers", each.Key, each.Image.Short(), each.Count))
	}
	return lines
}

func (d *imageDifference) lines() []string {
	lines := []string{}
	if d == nil {
		return lines
	}
	for _, c := range d.Packages.Changed {
		lines = append(lines, fmt.Sprintf("changed %s %s, was %s (%s)", c.Name, c.Version, c.PreviousVersion, c.Type))
	}
	for _, group := range []struct {
		verb string
		list []packageRecord
	}{{"added", d.Packages.Added}, {"removed", d.Packages.Removed}} {
		for _, each := range group.list {
			lines = append(lines, fmt.Sprintf("%s %s %s (%s)", group.verb, each.Name, each.Version, each.Type))
		}
	}
	for _, r := range d.Vulnerabilities.Introduced {
		lines = append(lines, "introduced "+r.line())
	}
	for _, r := range d.Vulnerabilities.Fixed {
		lines = append(lines, "fixed "+r.line())
	}
	return lines
}

func (r record) line() string {
	return fmt.Sprintf("%s of %s %s: %s (%s)", r.ID, r.PackageName, r.PackageVersion, r.rating.line(), r.FeedGroup)
}

func (r rating) line() string {
	line := string(r.Severity) + ", fix " + r.FixAvailable
	if r.KnownExploited {
		line += ", known to be exploited"
	}
	if r.Accepted != nil {
		line += fmt.Sprintf(", accepted (%d: %s)", r.Accepted.ID, r.Accepted.Reason)
	}
	if r.EPSS != nil {
		line += fmt.Sprintf(", EPSS %.1f%%", *r.EPSS*100)
	}
	return line
}

func (p explained) rules() []string {
	before, now := ruleRows(p.LastEval), ruleRows(p.CurrEval)
	return slices.Concat(without("now ", now, before), without("no longer ", before, now))
}

// ruleRows are the rows that do not pass. A document of another form has none.
func ruleRows(document json.RawMessage) map[string]bool {
	rows := map[string]bool{}
	found, _ := policy.ResultRows(document)
	for _, row := range found {
		if row.Action != "" && row.Action != policy.Go {
			rows[fmt.Sprintf("%s: %s/%s %s: %s", row.Action, row.Gate, row.Trigger, row.TriggerID, row.Message)] = true
		}
	}
	return rows
}

// without lists the rows that are not among the others.
func without(prefix string, rows, others map[string]bool) []string {
	lines := []string{}
	for _, line := range slices.Sorted(maps.Keys(rows)) {
		if !others[line] {
			lines = append(lines, prefix+line)
		}
	}
	return lines
}

func prefixed(prefix string, texts []string) []string {
	lines := []string{}
	for _, text := range texts {
		lines = append(lines, prefix+text)
	}
	return lines
}
