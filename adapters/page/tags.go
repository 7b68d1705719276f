package page

import (
	"context"
	"net/url"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// tagsPerPage is how many tags a page lists.
const tagsPerPage = 50

// tagsPage is the first page.
type tagsPage struct {
	Installation Installation
	Filter       watch.OverviewFilter
	Rows         []watch.Summary
	Histories    map[image.Target][]watch.CountsAt
	// Running is what runs of the tags of the page; empty if no source says so.
	Running map[image.Target]*workload.Running
	Total   int
	Pager   pager
}

// Narrowed says whose tags are shown; empty for all.
func (p tagsPage) Narrowed() string {
	switch {
	case p.Filter.Registry != "":
		return "registry " + p.Filter.Registry
	case p.Filter.Repository != "":
		return "repository " + p.Filter.Repository
	case p.Filter.Source != "":
		return "source " + p.Filter.Source
	}
	return ""
}

func (s *Site) tags(ctx context.Context, p *parameters) (_ view, err error) {
	page, cursor := tagsPage{Filter: p.overview()}, p.cursor(tagsPerPage)
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	page.Filter.After, page.Filter.Before, page.Filter.Limit = cursor.After, cursor.Before, cursor.Limit
	if page.Installation, err = readingOf(ctx).Installation(ctx); err != nil {
		return view{}, err
	}
	found, total, err := readingOf(ctx).Overview(ctx, page.Filter)
	if err != nil {
		return view{}, err
	}
	page.Total = total
	page.Rows, page.Pager = window(p, "/", cursor, found, func(row watch.Summary) string { return row.Target.String() })
	targets := make([]image.Target, len(page.Rows))
	for i, row := range page.Rows {
		targets[i] = row.Target
	}
	if page.Running, err = readingOf(ctx).Running(ctx, targets); err != nil {
		return view{}, err
	}
	page.Histories, err = readingOf(ctx).Histories(ctx, targets)
	return view{"tags", "Tags", page}, err
}

// overview reads the filter form.
func (p *parameters) overview() watch.OverviewFilter {
	return watch.OverviewFilter{Text: p.text("q"), Status: choice(p, "status", string(policy.Pass), string(policy.Fail), watch.NotEvaluated),
		Failing: p.flag("failing"), Uncovered: p.flag("uncovered"), Registry: p.text("registry"), Repository: p.text("repository"), Source: p.text("source"),
		Order: choice(p, "order", watch.BySeverity, watch.ByChange)}
}

// tagsOf is the address of the tags that a parameter selects.
func tagsOf(pairs ...string) string {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	return "/?" + query.Encode()
}
