package page

import (
	"net/http"
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

func (s *Site) tags(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := within(r)
	defer cancel()
	filter, number := overviewFilter(r.URL.Query())
	page := tagsPage{Filter: filter}
	var err error
	if page.Installation, err = s.Read.Installation(ctx); err != nil {
		s.problem(w, r, "tags", err)
		return
	}
	if page.Rows, page.Total, err = s.Read.Overview(ctx, filter); err != nil {
		s.problem(w, r, "tags", err)
		return
	}
	targets := make([]image.Target, len(page.Rows))
	for i, row := range page.Rows {
		targets[i] = row.Target
	}
	if page.Histories, err = s.Read.Histories(ctx, targets); err != nil {
		s.problem(w, r, "tags", err)
		return
	}
	page.First, page.Last = filter.Offset+1, filter.Offset+len(page.Rows)
	page.Pager = numbered("/", r.URL.Query(), "page", number, page.Last < page.Total)
	s.show(w, r, "tags", "tags", "Tags", page)
}

// overviewFilter reads what the form asks for; what it does not know is left out.
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

// maxPage keeps the offset of a page from being absurd.
const maxPage = 100_000

// pageNumber counts from 1.
func pageNumber(query url.Values, key string) int {
	number, err := strconv.Atoi(query.Get(key))
	if err != nil || number < 1 || number > maxPage {
		return 1
	}
	return number
}

// numbered links to the pages before and after, with all else as it is.
func numbered(path string, query url.Values, key string, number int, more bool) pager {
	link := func(n int) string {
		changed := url.Values{}
		for name, values := range query {
			changed[name] = values
		}
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
