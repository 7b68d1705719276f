package operations

import (
	"encoding/base64"
	"strconv"
)

const (
	// defaultPage is how many items a page has unless the request says otherwise.
	defaultPage = 100
	// MostPage is how many items one page has at most.
	MostPage = 1000
	// mostRead is how many rows one page is looked for in: what the filters leave of
	// them may be less than a page, and the next page goes on behind them.
	mostRead = 20_000
)

// Page asks for a part of a list.
type Page struct {
	// Limit is how many items the answer has at most; it may have fewer.
	Limit int `query:"limit" minimum:"0" maximum:"1000" doc:"Maximum number of items; 100 by default. A page may have fewer although more follow."`
	// After is the Next of the page before.
	After string `query:"after" maxLength:"600" doc:"Cursor of the page before, from its next field."`
}

func (p Page) limit() (int, error) {
	switch {
	case p.Limit < 0 || p.Limit > MostPage:
		return 0, &InvalidValue{Field: "limit", Value: p.Limit, Expected: "1 to " + strconv.Itoa(MostPage)}
	case p.Limit == 0:
		return defaultPage, nil
	}
	return p.Limit, nil
}

// name is the cursor as the name of the last item of the page before.
func (p Page) name() (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(p.After)
	if err != nil {
		return "", p.invalid()
	}
	return string(text), nil
}

// number is the cursor as the number of the last item of the page before.
func (p Page) number() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	number, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || number < 0 {
		return 0, p.invalid()
	}
	return number, nil
}

func (p Page) invalid() error {
	return &InvalidValue{Field: "after", Value: p.After, Expected: "the cursor of a page"}
}

func cursorOf(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

// mayRead reports whether a page of names is looked for in more than those rows. For a
// caller with bounds it is, to the end: the cursor would name a row that is outside.
func (s *System) mayRead(rows int) bool { return rows < mostRead || !s.Bounds.Whole() }

// All runs a list's operation until no page follows, for callers who need all of it.
func All[Item any](read func(Page) (items []Item, next string, err error)) ([]Item, error) {
	all, page := []Item{}, Page{Limit: MostPage}
	for {
		items, next, err := read(page)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		page.After = next
	}
}

// part is a page of a list that is read as a whole, and the cursor of the next one.
func part[Item any](page Page, all []Item) (items []Item, next string, err error) {
	limit, err := page.limit()
	if err != nil {
		return nil, "", err
	}
	skipped, err := page.number()
	if err != nil {
		return nil, "", err
	}
	from := int(min(skipped, int64(len(all))))
	to := min(from+limit, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return append([]Item{}, all[from:to]...), next, nil
}

// partByName is a page of a list that is sorted by name and read as a whole. Its cursor
// stays right when items come and go.
func partByName[Item any](page Page, all []Item, name func(Item) string) (items []Item, next string, err error) {
	limit, err := page.limit()
	if err != nil {
		return nil, "", err
	}
	after, err := page.name()
	if err != nil {
		return nil, "", err
	}
	for _, item := range all {
		switch {
		case name(item) <= after:
		case len(items) == limit:
			return items, cursorOf(name(items[limit-1])), nil
		default:
			items = append(items, item)
		}
	}
	return items, "", nil
}
