package page

import (
	"context"
	"maps"
	"net/url"
	"strconv"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// tagsPerPage is how many tags a page lists.
const tagsPerPage = 50

// tagsPage is the first page.
type tagsPage struct {
	Installation Installation
	Filter       watch.OverviewFilter
	Rows         []watch.Summary
	Histories    map[image.Target][]watch.CountsAt
	Total        int
	First        int // number of the first row, from 1
	Last         int
	Pager        pager
}

// pager links to the neighbours of a page.
type pager struct{ Previous, Next string }

func (s *Site) tags(ctx context.Context, query url.Values) (_ view, err error) {
	filter, number := overviewFilter(query)
	page := tagsPage{Filter: filter}
	if page.Installation, err = s.Read.Installation(ctx); err != nil {
		return view{}, err
	}
	if page.Rows, page.Total, err = s.Read.Overview(ctx, filter); err != nil {
		return view{}, err
	}
	targets := make([]image.Target, len(page.Rows))
	for i, row := range page.Rows {
		targets[i] = row.Target
	}
	if page.Histories, err = s.Read.Histories(ctx, targets); err != nil {
		return view{}, err
	}
	page.First, page.Last = filter.Offset+1, filter.Offset+len(page.Rows)
	page.Pager = numbered("/", query, "page", number, page.Last < page.Total)
	return view{"tags", "Tags", page}, nil
}

// overviewFilter reads the filter form; invalid values are ignored.
func overviewFilter(query url.Values) (filter watch.OverviewFilter, page int) {
	page = pageNumber(query, "page")
	filter = watch.OverviewFilter{Text: shorten(query.Get("q"), 300), Failing: query.Get("failing") != "", Uncovered: query.Get("uncovered") != "", Offset: (page - 1) * tagsPerPage, Limit: tagsPerPage}
	switch status := query.Get("status"); status {
	case string(policy.Pass), string(policy.Fail), watch.NotEvaluated:
		filter.Status = status
	}
	switch order := watch.OverviewOrder(query.Get("order")); order {
	case watch.BySeverity, watch.ByChange:
		filter.Order = order
	}
	return filter, page
}

// maxPage bounds the offset of a page.
const maxPage = 100_000

// pageNumber counts from 1.
func pageNumber(query url.Values, key string) int {
	number, err := strconv.Atoi(query.Get(key))
	if err != nil || number < 1 || number > maxPage {
		return 1
	}
	return number
}

// numbered links to the pages before and after, with the rest of the query.
func numbered(path string, query url.Values, key string, number int, more bool) pager {
	link := func(n int) string {
		changed := maps.Clone(query)
		changed.Set(key, strconv.Itoa(n))
		return path + "?" + changed.Encode()
	}
	var p pager
	if number > 1 {
		p.Previous = link(number - 1)
	}
	if more {
		p.Next = link(number + 1)
	}
	return p
}
