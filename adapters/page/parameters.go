package page

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// invalidParameter says what is wrong with the address of a page, and what to write
// instead.
type invalidParameter struct{ text string }

func (e invalidParameter) Error() string { return e.text }

// Unwrap reports the kind of the error.
func (e invalidParameter) Unwrap() error { return errkind.Invalid }

// longest is how many bytes a parameter may have.
const longest = 600

// parameters are those of an address. Each is read by its name; invalid reports the
// first one that has no meaning, which includes those that no one read.
type parameters struct {
	query url.Values
	read  map[string]bool
	err   error
}

// parametersOf reads the query of an address.
func parametersOf(address *url.URL) *parameters {
	query, err := url.ParseQuery(address.RawQuery)
	p := &parameters{query: query, read: map[string]bool{}}
	if err != nil {
		p.fail("The part of the address behind the question mark cannot be read: write a semicolon as %%3B and a percent sign as %%25.")
	}
	return p
}

func (p *parameters) fail(format string, arguments ...any) {
	if p.err == nil {
		p.err = invalidParameter{fmt.Sprintf(format, arguments...)}
	}
}

// text is a value of any form.
func (p *parameters) text(name string) string {
	p.read[name] = true
	values := p.query[name]
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 1:
		p.fail("The parameter %q is there %d times; give it once.", name, len(values))
	case len(values[0]) > longest:
		p.fail("The parameter %q is longer than %d characters.", name, longest)
	case strings.ContainsRune(values[0], 0):
		p.fail("The parameter %q contains a zero byte.", name)
	}
	return strings.TrimSpace(values[0])
}

func (p *parameters) wrong(name, value, expected string) {
	p.fail("The parameter %q has the invalid value %q; expected %s.", name, shorten(value, 100), expected)
}

// choice is one of the values, or "".
func choice[T ~string](p *parameters, name string, values ...T) T {
	value := T(p.text(name))
	if value != "" && !slices.Contains(values, value) {
		names := make([]string, len(values))
		for i, each := range values {
			names[i] = string(each)
		}
		p.wrong(name, string(value), "one of "+strings.Join(names, ", "))
	}
	return value
}

// flag is a check box.
func (p *parameters) flag(name string) bool { return choice(p, name, "1") != "" }

// number is a positive number, or 0.
func (p *parameters) number(name string) int64 {
	value := p.text(name)
	if value == "" {
		return 0
	}
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil || number < 1 {
		p.wrong(name, value, "a number from 1 on")
	}
	return number
}

// maxPage bounds the offset of a page.
const maxPage = 100_000

// page is the number of a page of a list, from 1 on.
func (p *parameters) page(name string) int {
	number := p.number(name)
	if number > maxPage {
		p.wrong(name, strconv.FormatInt(number, 10), "a number up to "+strconv.Itoa(maxPage))
	}
	return int(max(number, 1))
}

// day is the beginning of a day, in UTC; zero without one.
func (p *parameters) day(name string) time.Time {
	value := p.text(name)
	if value == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		p.wrong(name, value, "a day such as 2026-03-01")
	}
	return day
}

// target is a tag, which has to be there.
func (p *parameters) target(name string) image.Target {
	value := p.text(name)
	target, err := image.ParseTarget(value)
	if err != nil {
		p.wrong(name, value, "a tag such as docker.io/library/nginx:1.27")
	}
	return target
}

// invalid is what is wrong with the parameters; nil if nothing is.
func (p *parameters) invalid() error {
	for _, name := range slices.Sorted(maps.Keys(p.query)) {
		if !p.read[name] {
			p.fail("The parameter %q does not exist on this page.", shorten(name, 100))
		}
	}
	return p.err
}

// link is the address of a path with the parameters that were read, but for those that
// change: pairs of a name and its value, "" to leave it out.
func (p *parameters) link(path string, changed ...string) string {
	query := url.Values{}
	for name, values := range p.query {
		if p.read[name] && values[0] != "" {
			query.Set(name, values[0])
		}
	}
	for i := 0; i < len(changed); i += 2 {
		if query.Del(changed[i]); changed[i+1] != "" {
			query.Set(changed[i], changed[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// pager links to the neighbours of a page.
type pager struct{ First, Previous, Next string }

// numbered links to the pages before and after, with the rest of the parameters.
func (p *parameters) numbered(path, name string, number int, more bool) (links pager) {
	if number > 1 {
		links.Previous = p.link(path, name, strconv.Itoa(number-1))
	}
	if more {
		links.Next = p.link(path, name, strconv.Itoa(number+1))
	}
	return links
}

// at leads the links to a place on the page.
func (l pager) at(fragment string) pager {
	for _, link := range []*string{&l.First, &l.Previous, &l.Next} {
		if *link != "" {
			*link += fragment
		}
	}
	return l
}
