package taglist

import (
	"path"
	"regexp"
	"slices"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Reason is why a filter selects a tag or does not.
type Reason string

// The reasons.
const (
	ReasonSelected    Reason = "selected"
	ReasonKept        Reason = "kept"         // by one of Filter.Keep
	ReasonNoTag       Reason = "no_tag"       // the registry lists what no tag may be called
	ReasonArtifact    Reason = "artifact"     // a signature, an attestation, an SBOM
	ReasonExcluded    Reason = "excluded"     // by a pattern
	ReasonNotIncluded Reason = "not_included" // by any pattern
	ReasonNoVersion   Reason = "no_version"
	ReasonSuffix      Reason = "suffix" // after the version, another than wanted
	ReasonPrerelease  Reason = "prerelease"
	ReasonRange       Reason = "range" // the version is outside
	ReasonOlder       Reason = "older" // than the newest that are wanted
)

// Judgement is what a filter says of one tag.
type Judgement struct {
	Tag      string
	Selected bool
	Reason   Reason
	// By is the pattern or range that decided, if one did.
	By string
	// version is set for selected tags that were judged by it, with the index of
	// the suffix pattern that it fits.
	version image.Version
	line    int
}

// Judge says of each tag, sorted and each once, whether it is selected and why.
func (f Filter) Judge(tags []string) ([]Judgement, error) {
	s, err := f.compile()
	if err != nil {
		return nil, err
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(tags)))
	judged := make([]Judgement, len(sorted))
	for i, tag := range sorted {
		judged[i] = s.judge(tag)
	}
	if f.Newest > 0 {
		s.dropOlder(judged)
	}
	return judged, nil
}

// artifactPattern is what cosign and the fallback of the OCI distribution
// specification, section "Referrers Tag Schema", call tags.
var artifactPattern = regexp.MustCompile(`^sha(256|512)-[0-9a-f]{64}`)

func (s *selection) judge(tag string) Judgement {
	out := func(reason Reason, by string) Judgement { return Judgement{Tag: tag, Reason: reason, By: by} }
	switch {
	case !image.ValidTag(tag):
		return out(ReasonNoTag, "")
	case !s.Artifacts && artifactPattern.MatchString(tag):
		return out(ReasonArtifact, "")
	}
	if by, fits := fitting(s.Exclude, s.excludeRegex, tag); fits {
		return out(ReasonExcluded, by)
	}
	if by, fits := fitting(s.Keep, nil, tag); fits {
		return Judgement{Tag: tag, Selected: true, Reason: ReasonKept, By: by}
	}
	by, fits := fitting(s.Include, s.regex, tag)
	if !fits && len(s.Include)+len(s.regex) > 0 {
		return out(ReasonNotIncluded, "")
	}
	if s.Versioned() {
		return s.judgeVersion(tag)
	}
	return Judgement{Tag: tag, Selected: true, Reason: ReasonSelected, By: by}
}

// judgeVersion judges a tag that the patterns let through.
func (s *selection) judgeVersion(tag string) Judgement {
	version, found := image.ParseVersion(s.versionText(tag))
	line := s.lineOf(version)
	reason := ReasonSelected
	switch {
	case !found:
		reason = ReasonNoVersion
	case line < 0:
		reason = ReasonSuffix
	case version.Pre != "" && !s.Prereleases && (s.within == nil || !s.within.prereleases):
		reason = ReasonPrerelease
	case s.within != nil && !s.within.holds(version):
		reason = ReasonRange
	}
	return Judgement{Tag: tag, Selected: reason == ReasonSelected, Reason: reason, By: s.Versions, version: version, line: line}
}

// versionText is the part of a tag that names its version: the group of an
// expression that says so, or all of it.
func (s *selection) versionText(tag string) string {
	for _, expression := range s.regex {
		group := expression.SubexpIndex("version")
		if match := expression.FindStringSubmatch(tag); match != nil && group > 0 {
			return match[group]
		}
	}
	return tag
}

// lineOf is the index of the suffix pattern that a version fits; negative for
// none.
func (s *selection) lineOf(version image.Version) int {
	if len(s.Suffixes) == 0 {
		if version.Suffix == "" {
			return 0
		}
		return -1
	}
	return slices.IndexFunc(s.Suffixes, func(pattern string) bool { return like(pattern, version.Suffix) })
}

// dropOlder leaves the newest versions selected, for each pattern of suffixes.
// Tags that name the same version, as 1.28 and 1.28.0, count as one. Tags that
// are kept for their name do not count.
func (s *selection) dropOlder(judged []Judgement) {
	lines := map[int][]*Judgement{}
	for i := range judged {
		if each := &judged[i]; each.Selected && each.Reason == ReasonSelected {
			lines[each.line] = append(lines[each.line], each)
		}
	}
	for _, line := range lines {
		slices.SortStableFunc(line, func(a, b *Judgement) int { return b.version.Compare(a.version) })
		distinct := 0
		for i, each := range line {
			if i == 0 || each.version.Compare(line[i-1].version) != 0 {
				distinct++
			}
			if distinct > s.Newest {
				each.Selected, each.Reason = false, ReasonOlder
			}
		}
	}
}

// fitting finds the pattern that a tag fits.
func fitting(globs []string, expressions []*regexp.Regexp, tag string) (by string, found bool) {
	for _, glob := range globs {
		if like(glob, tag) {
			return glob, true
		}
	}
	for _, expression := range expressions {
		if expression.MatchString(tag) {
			text := expression.String()
			return text[len(`^(?:`) : len(text)-len(`)$`)], true
		}
	}
	return "", false
}

// like reports whether a text fits a glob that was found to be a valid one.
func like(glob, text string) bool {
	fits, _ := path.Match(glob, text)
	return fits
}
