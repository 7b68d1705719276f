package page

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/policy"
)

const (
	// rulesPerPage is how many rules of a bundle a page lists.
	rulesPerPage = 100
	// shownParts is how many versions, mappings and lists of a bundle a page shows.
	shownParts = 50
)

func (s *Site) policies(ctx context.Context, p *parameters) (view, error) {
	cursor := p.cursor(rowsPerPage)
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, err := readingOf(ctx).BundlePage(ctx, cursor)
	if err != nil {
		return view{}, err
	}
	var page struct {
		Rows  []policy.StoredBundle
		Pager pager
	}
	page.Rows, page.Pager = window(p, "/policies", cursor, found, func(b policy.StoredBundle) string { return b.ID })
	return view{"policies", "Policies", page}, nil
}

// bundlePage is one policy bundle.
type bundlePage struct {
	policy.StoredBundle
	Bundle     *policy.Bundle
	Problems   []policy.Problem
	Versions   []policy.BundleVersion // the newest first
	Mappings   []policy.Mapping
	Whitelists []policy.Whitelist
	Rules      []ruleRow
	AllRules   int
	Pager      pager
	More       []string // parts that are not shown, with their numbers
}

// ruleRow is a rule with the policy that has it.
type ruleRow struct {
	Policy string
	policy.Rule
}

// Parameters are those that the rule names.
func (r ruleRow) Parameters() string {
	chosen := r.Chosen()
	var text []string
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		text = append(text, fmt.Sprintf("%s: %s", name, chosen[name]))
	}
	return strings.Join(text, "; ")
}

func (s *Site) policy(ctx context.Context, p *parameters) (view, error) {
	id, number := p.text("id"), p.page("page")
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	stored, err := readingOf(ctx).Bundle(ctx, id)
	if err != nil {
		return view{}, err
	}
	page := bundlePage{StoredBundle: stored}
	if page.Versions, err = readingOf(ctx).BundleVersions(ctx, id); err != nil {
		return view{}, err
	}
	page.show(number)
	page.Pager = p.numbered("/policy", "page", number, number*rulesPerPage < page.AllRules)
	return view{"policy", "Policy " + shorten(id, 100), page}, nil
}

// show reads the document and takes a page of its rules, and the first of its other parts.
func (b *bundlePage) show(number int) {
	if b.Bundle, b.Problems = policy.Parse(b.Document); b.Bundle == nil {
		b.Bundle = &policy.Bundle{}
	}
	var rules []ruleRow
	for _, each := range b.Bundle.Policies {
		for _, rule := range each.Rules {
			rules = append(rules, ruleRow{each.Name, rule})
		}
	}
	from := min((number-1)*rulesPerPage, len(rules))
	b.Rules, b.AllRules = rules[from:min(from+rulesPerPage, len(rules))], len(rules)
	b.Versions = cut(b, "versions", b.Versions)
	b.Problems = cut(b, "problems", b.Problems)
	b.Mappings = cut(b, "mappings", b.Bundle.Mappings)
	b.Whitelists = cut(b, "whitelists", b.Bundle.Whitelists)
}

// cut is as much of a part of a bundle as a page shows.
func cut[T any](b *bundlePage, name string, parts []T) []T {
	if more := len(parts) - shownParts; more > 0 {
		b.More = append(b.More, fmt.Sprintf("%d more %s", more, name))
	}
	return parts[:min(len(parts), shownParts)]
}

// policyJSON is the document of a bundle.
func (s *Site) policyJSON(ctx context.Context, p *parameters) (file, error) {
	id := p.text("id")
	if err := p.invalid(); err != nil {
		return file{}, err
	}
	stored, err := readingOf(ctx).Bundle(ctx, id)
	return file{fileName("policy-"+id, ".json"), "application/json", stored.Document}, err
}
