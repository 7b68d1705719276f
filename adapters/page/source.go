package page

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Reference is what became of a reference in a source.
type Reference struct {
	source.Found
	Watched image.Target       // the name by which its tag is watched; zero if it is not
	Problem *condition.Problem // why what the tag points to cannot be read; nil if it can
}

// Wrong reports that nothing is known of what the reference names.
func (r Reference) Wrong() bool { return !r.Followed() || r.Problem != nil }

// IsWatched reports that somebody watches its tag.
func (r Reference) IsWatched() bool { return r.Watched != image.Target{} }

// referencesPerPage is how many references a page lists.
const referencesPerPage = 100

type sourcePage struct {
	Source
	Only        string
	Rows        []Reference
	Selected    int
	Leaving     []image.Target // tags that the last reading lacked
	MoreLeaving int
	First, Last int
	Pager       pager
}

// onlyWrong selects references that are not followed, or whose tags cannot be read.
const onlyWrong = "problems"

func (s *Site) source(ctx context.Context, p *parameters) (view, error) {
	name, number := p.text("name"), p.page("page")
	page := sourcePage{Only: choice(p, "only", onlyWrong)}
	if err := p.invalid(); err != nil {
		return view{}, err
	}
	found, references, err := readingOf(ctx).SourceByName(ctx, name)
	if err != nil {
		return view{}, err
	}
	page.Source = found
	var rows []Reference
	for _, each := range references {
		if page.Only == "" || each.Wrong() {
			rows = append(rows, each)
		}
	}
	from := min((number-1)*referencesPerPage, len(rows))
	to := min(from+referencesPerPage, len(rows))
	page.Rows, page.Selected, page.First, page.Last = rows[from:to], len(rows), from+1, to
	page.Pager = p.numbered("/source", "page", number, to < len(rows))
	page.leaving()
	return view{"source", "Source " + found.Name, page}, nil
}

// leaving shows the tags whose watch ends if the next reading lacks them, too.
func (p *sourcePage) leaving() {
	for _, member := range p.State.Members {
		switch {
		case member.Missing == 0:
		case len(p.Leaving) < shownUnreadable:
			p.Leaving = append(p.Leaving, member.Target)
		default:
			p.MoreLeaving++
		}
	}
}
