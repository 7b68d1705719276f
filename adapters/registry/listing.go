package registry

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	maxTags   = 500_000 // of one repository
	maxPages  = 20_000  // of one list
	maxBarren = 100     // pages in a row without a new tag
	// roundPage divides the page sizes that registries have of their own.
	roundPage = 50
)

// listing is a list of tags under way.
type listing struct {
	seen   map[string]bool // tags
	asked  map[string]bool // resources
	pages  int
	barren int  // pages since the last one with a new tag
	onward bool // the last page was requested without a link to it
}

func newListing() *listing { return &listing{seen: map[string]bool{}, asked: map[string]bool{}} }

// take adds a page, and returns its new tags and the resource of the next page,
// "" after the last.
func (l *listing) take(p page) (fresh []string, next string, err error) {
	fresh = l.unseen(p.tags)
	l.pages++
	if l.barren++; len(fresh) > 0 {
		l.barren = 0
	}
	switch next = p.next; {
	case next != "":
		l.onward = false
	case l.onward && len(fresh) == 0 && len(p.tags) == pageSize:
		err = fmt.Errorf("the registry lists %d tags and then the same again: %w", pageSize, errkind.Invalid)
	case len(fresh) > 0 && full(p.tags):
		l.onward, next = true, fmt.Sprintf("tags/list?n=%d&last=%s", pageSize, url.QueryEscape(p.tags[len(p.tags)-1]))
	}
	if err == nil {
		err = l.endless(next)
	}
	return fresh, next, err
}

// full reports that a page may have been cut at a size: not all registries say that
// there is more.
func full(tags []string) bool {
	return len(tags) >= pageSize || len(tags)%roundPage == 0
}

// endless refuses a list that would never end: pages that repeat, too many in a
// row that bring nothing new, or more tags or pages than any repository has.
func (l *listing) endless(next string) error {
	repeats := l.asked[next]
	l.asked[next] = true
	switch {
	case next == "":
		return nil
	case repeats:
		return fmt.Errorf("the registry's pages repeat: %w", errkind.Invalid)
	case l.barren >= maxBarren:
		return fmt.Errorf("%d pages without a new tag: %w", l.barren, errkind.Invalid)
	case len(l.seen) > maxTags:
		return fmt.Errorf("more than %d tags: %w", maxTags, errkind.Limit)
	case l.pages >= maxPages:
		return fmt.Errorf("more than %d pages: %w", maxPages, errkind.Limit)
	}
	return nil
}

// unseen returns the tags that were not seen before, and remembers them.
func (l *listing) unseen(tags []string) (fresh []string) {
	for _, tag := range tags {
		if !l.seen[tag] {
			l.seen[tag] = true
			fresh = append(fresh, tag)
		}
	}
	return fresh
}

// A link is written as in RFC 8288; some registries write single quotes.
var (
	linkPattern      = regexp.MustCompile(`^[\s,]*<([^>]*)>((?:\s*;\s*[^\s=;,"'<>]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s;,"'<>]*))?)*)\s*(?:,|$)`)
	parameterPattern = regexp.MustCompile(`([^\s=;,"']+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;,"']*))`)
)

// nextPage reads the Link header of a page. Only the query of its target counts:
// the rest is known, and the registry has no say in it.
func nextPage(header http.Header) (string, error) {
	for _, value := range header.Values("Link") {
		for rest := strings.TrimSpace(value); rest != ""; {
			found := linkPattern.FindStringSubmatch(rest)
			if found == nil {
				return "", fmt.Errorf("header Link: %q", quotable(value, ""))
			}
			rest = strings.TrimSpace(rest[len(found[0]):])
			if !isNext(found[2]) {
				continue
			}
			target, err := url.Parse(found[1])
			if err != nil || target.RawQuery == "" {
				return "", fmt.Errorf("header Link: %q", quotable(value, ""))
			}
			return "tags/list?" + target.RawQuery, nil
		}
	}
	return "", nil
}

// isNext reports whether a link with such parameters leads to the next page. One
// that does not say where it leads can lead nowhere else.
func isNext(parameters string) bool {
	for _, parameter := range parameterPattern.FindAllStringSubmatch(parameters, -1) {
		if strings.EqualFold(parameter[1], "rel") {
			relations := strings.Fields(strings.ToLower(parameter[2] + parameter[3] + parameter[4]))
			return slices.Contains(relations, "next")
		}
	}
	return true
}
