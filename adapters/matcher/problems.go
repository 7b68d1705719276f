package matcher

import (
	"errors"
	"fmt"
	"strings"

	"github.com/anchore/grype/grype/match"
	grypematcher "github.com/anchore/grype/grype/matcher"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/grype/grype/vulnerability"
)

// problems collects the errors of grype's matchers. grype itself logs them and
// goes on as if the package had no vulnerabilities.
type problems struct{ errs []error }

// watched is a matcher whose errors are collected.
type watched struct {
	match.Matcher
	problems *problems
}

// watch returns the matchers of the command line, watched.
func (p *problems) watch() []match.Matcher {
	matchers := grypematcher.NewDefaultMatchers(matcherConfig)
	for i, m := range matchers {
		matchers[i] = watched{Matcher: m, problems: p}
	}
	return matchers
}

// Match collects the error of the matcher.
func (w watched) Match(data vulnerability.Provider, p pkg.Package) ([]match.Match, []match.IgnoreFilter, error) {
	matches, ignores, err := w.Matcher.Match(data, p)
	if err != nil {
		w.problems.errs = append(w.problems.errs, fmt.Errorf("%s on %s %s: %w", w.Type(), p.Name, p.Version, err))
	}
	return matches, ignores, err
}

// or returns the collected errors, or else the first line of the error of the
// whole run, which may be a panic with its stack.
func (p *problems) or(err error) error {
	if len(p.errs) > 0 || err == nil {
		return errors.Join(p.errs...)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line)
}
