package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// TestMatchStart has the answers that re.match of Python gives.
func TestMatchStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"al", "always", true},
		{"ways", "always", false},
		{"^ways", "always", false},
		{"a|ways", "always", true},
		{"b|ways", "always", false},
		{"al$", "always", false},
		{".*ys$", "always", true},
		{"", "x", true},
		{"a.b", "a\nb", false},
		{"(?s)a.b", "a\nb", true},
		{"(?i)ALW", "always", true},
		{"(?m)a$", "a\nb", true},
		{"(?m)^b", "a\nb", false},
		{`.*\.pem\Z`, "/a.pem", true},
		{`.*\.pem\Z`, "/a.pem2", false},
		{"a{,2}b", "aab", true},
		{"a{,2}b", "aaab", false},
		{"a{,2}b", "b", true},
		{"(?P<x>a)(?P=x)", "aa", true},
		{"(?P<x>a)(?P=x)", "ab", false},
		{`(a)\1`, "aa", true},
		{"(?!b)a", "a", true},
		{"a(?=b)", "ac", false},
		{"(?<![A-Z])[a-z]{2}(?![a-z])", "ab", true},
		{"(?u)a", "a", true},
		{"(?ui)A", "a", true},
		{"(?i:A)b", "ab", true},
		{"(?x) a b # comment", "ab", true},
		{"(?#comment)a", "a", true},
		{"[]a]+b", "]ab", true},
		{"[^]a]", "]", false},
		{"[[:alpha:]]", "a]", true},
		{"[[:alpha:]]", "z]", false},
		{"[a-z-[aeiou]]", "b]", true},
		{`\[a`, "[a", true},
		{`[\]]`, "]", true},
		{"a{2000}", strings.Repeat("a", 2000), true},
		{"(a{1000}|b){15}b", strings.Repeat("a", 15000), false},
		{`CVE-2017-.*\+lib(ssl|crypto)`, "CVE-2017-1+libssl", true},
		{"{a}", "{a}", true},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			t.Parallel()
			e, err := newExpression(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := e.matchStart(tt.text, noTimeLimit()); got != tt.want || err != nil {
				t.Errorf("matches %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestBadExpressions(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pattern, want string }{
		{"open group", "(", "does not compile"},
		{"nothing to repeat", "*.pem", "does not compile"},
		{"open class", "[a", "does not compile"},
		{"flag of another dialect", "(?U)a", "flags"},
		{"debugging flag of the engine", "(?d)a", "flags"},
		{"too long", strings.Repeat("a", maxExpression+1), "at most 4096"},
		{"two repetitions", "CVE-2017-.*+openssl", "does not compile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newExpression(tt.pattern)
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestHostileExpressions must end by themselves; each would take years on an
// engine without limits, or hours.
func TestHostileExpressions(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pattern, text string }{
		{"backtracking", `(?=(a|aa)+b)a`, strings.Repeat("a", 60)},
		{"back-reference", `(x+x+)+\1y`, strings.Repeat("x", 60)},
		{"long text on the backtracking engine", "(?!b)a", strings.Repeat("a", maxBacktracked+1)},
		{"much work on the linear engine", "(a?){500}(b|c){500}x", strings.Repeat("a", 1<<20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := newExpression(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = e.matchStart(tt.text, noTimeLimit()); !errors.Is(err, errkind.Limit) || len(err.Error()) > 300 {
				t.Errorf("error %v, want a limit", err)
			}
		})
	}
}

func TestSpentTimeLimitEndsAllMatching(t *testing.T) {
	t.Parallel()
	b := newTimeLimit(t.Context(), 0)
	for _, text := range []string{"regexp:(?!b)a", "regexp:(a?){500}x", "*a*"} {
		m, err := newMatcher(text, newExpression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.match(strings.Repeat("a", clockInterval), b); !errors.Is(err, errkind.Limit) {
			t.Errorf("%s: error %v, want a limit", text, err)
		}
	}
}
