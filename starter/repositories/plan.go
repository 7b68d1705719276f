package repositories

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// reasons say why tags are watched or not; %s is the pattern or range.
var reasons = map[taglist.Reason]string{
	taglist.ReasonSelected:    "selected",
	taglist.ReasonKept:        "matches --always %s",
	taglist.ReasonNoTag:       "invalid tag name",
	taglist.ReasonArtifact:    "signature, attestation or SBOM (--artifacts)",
	taglist.ReasonExcluded:    "excluded by %s",
	taglist.ReasonNotIncluded: "matches no --include and no --regex",
	taglist.ReasonNoVersion:   "not a version (--always)",
	taglist.ReasonSuffix:      "different suffix (--suffix)",
	taglist.ReasonPrerelease:  "prerelease (--prereleases)",
	taglist.ReasonRange:       "outside %s",
	taglist.ReasonOlder:       "not among the newest (--newest)",
}

// planTags is how many tags of a group people are shown.
const planTags = 8

func writePlan(s *session.Session, w io.Writer, plan *taglist.Plan) {
	fmt.Fprintf(w, "%s: %d of %s would be watched%s\n\n", plan.Repository, plan.Selected, wording.Count(plan.Tags, "tag"), changeLine(plan.Change))
	t := output.NewTable("WATCHED", "TAGS", "WHY", "WHICH")
	for _, group := range plan.Groups {
		style, watched := output.Faint, "no"
		if group.Selected {
			style, watched = output.Ordinary, "yes"
		}
		t.Row(style, watched, strconv.Itoa(group.Count), why(group), examples(group))
	}
	t.Write(w)
	sayNamesakes(s, plan)
	if plan.Problem != "" {
		s.Say("This would be rejected: %s", plan.Problem)
	}
	s.Say("Nothing was changed. Use -o json to list all tags.")
}

// sayNamesakes says which tags keep another name, as subscribe does.
func sayNamesakes(s *session.Session, plan *taglist.Plan) {
	for _, each := range plan.Namesakes[:min(len(plan.Namesakes), planTags)] {
		s.Say("%s is already subscribed as %s and keeps that name", each.Target, each.As)
	}
	if more := plan.Named - planTags; more > 0 {
		s.Say("... and %d more; use -o json to list them", more)
	}
}

func why(group taglist.PlanGroup) string {
	text := reasons[group.Reason]
	switch {
	case strings.Contains(text, "%s"):
		return fmt.Sprintf(text, group.By)
	case group.Reason == taglist.ReasonSelected && group.By != "":
		return "matches " + group.By
	}
	return text
}

func examples(group taglist.PlanGroup) string {
	text := strings.Join(group.Tags[:min(len(group.Tags), planTags)], " ")
	if more := group.Count - min(len(group.Tags), planTags); more > 0 {
		text += fmt.Sprintf(" ... %d more", more)
	}
	return text
}

// changeLine says what changes for a repository that is watched already.
func changeLine(change *taglist.PlanChange) string {
	if change == nil {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		count int
		text  string
	}{
		{change.New, "%d new"}, {change.Joined, "%d more that existed before"},
		{change.Left, "%d no longer"}, {change.Removed, "%d missing from the list"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf(part.text, part.count))
		}
	}
	if parts == nil {
		return "; the same tags as before"
	}
	return "; " + strings.Join(parts, ", ")
}
