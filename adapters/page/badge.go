package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// badgeAge is for how long browsers and proxies of one reader may keep a badge.
const badgeAge = "private, max-age=300"

// badgeColors are the backgrounds of the value of a badge, by mood. White text has enough
// contrast on each.
var badgeColors = map[string]string{"bad": "#a8141d", "doubtful": "#7a4a00", "good": "#17602b", "open": "#55606e"}

// badge answers with a picture of a tag's state: /badge/REF.svg.
func (s *Site) badge(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	picture, err := s.drawn(ctx, r.PathValue("name"), parametersOf(r.URL))
	if err != nil {
		s.problem(w, r, "tags", err)
		return
	}
	sum := sha256.Sum256([]byte(picture))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("Cache-Control", badgeAge)
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml; charset=utf-8")
	_, _ = w.Write([]byte(picture)) // the reader has gone
}

// What a badge shows.
const (
	badgePolicy = "policy"
	badgeCounts = "counts"
)

func (s *Site) drawn(ctx context.Context, name string, p *parameters) (string, error) {
	show := choice(p, "show", badgePolicy, badgeCounts)
	reference, isPicture := strings.CutSuffix(name, ".svg")
	target, err := image.ParseTarget(reference)
	if !isPicture || err != nil {
		p.fail("The address of a badge is /badge/, a tag and .svg, as in /badge/docker.io/library/nginx:1.27.svg.")
	}
	if err := p.invalid(); err != nil {
		return "", err
	}
	summary, err := readingOf(ctx).Summary(ctx, target)
	if errors.Is(err, errkind.NotFound) {
		return "", fmt.Errorf("%s is not watched: %w", target, errkind.NotFound)
	}
	if err != nil {
		return "", err
	}
	if show == badgeCounts {
		return drawBadge("vulnerabilities", countsText(summary), countsMood(summary)), nil
	}
	return drawBadge("policy", summary.Headline(), mood(summary)), nil
}

func countsText(s watch.Summary) string {
	if !s.Matched {
		return "not known yet"
	}
	return fmt.Sprintf("%d critical, %d high, %d medium", s.Counts.Critical, s.Counts.High, s.Counts.Medium)
}

func countsMood(s watch.Summary) string {
	switch {
	case !s.Matched:
		return "open"
	case s.Counts.Critical > 0:
		return "bad"
	case s.Counts.High > 0 || s.Coverage.Missing():
		return "doubtful"
	}
	return "good"
}

const (
	badgeLetter  = 7 // width of a letter, about
	badgePadding = 7
	badgeHeight  = 20
)

func badgeWidth(text string) int { return utf8.RuneCountInString(text)*badgeLetter + 2*badgePadding }

// drawBadge is an SVG without script, style and references.
func drawBadge(label, value, mood string) string {
	left, right := badgeWidth(label), badgeWidth(value)
	label, value = template.HTMLEscapeString(label), template.HTMLEscapeString(value)
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img" aria-label="%s: %s"><title>%s: %s</title>`+
		`<rect width="%d" height="%d" rx="3" fill="#1b2430"/><path fill="%s" d="M%d 0h%da3 3 0 0 1 3 3v%da3 3 0 0 1-3 3h-%dz"/>`+
		`<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="%d" y="14">%s</text><text x="%d" y="14">%s</text></g></svg>`,
		left+right, badgeHeight, label, value, label, value,
		left+right, badgeHeight, badgeColors[mood], left, right-3, badgeHeight-6, right-3,
		badgePadding, label, left+badgePadding, value)
}
