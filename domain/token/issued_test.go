package token_test

import (
	"errors"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// TestRules: the first rule that selects a token says what it allows.
func TestRules(t *testing.T) {
	t.Parallel()
	var rules []token.Rule
	for _, text := range []string{"admin groups=platform", "act sub=repo:acme/shop:ref:refs/heads/* ghcr.io/acme/* docker.io/acme/*:1.*", "read realm_access.roles=viewer", "read https://acme.example.com/ok=true", "feed sub=a*b*c"} {
		rule, err := token.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	for name, test := range map[string]struct {
		claims map[string]any
		want   token.Scope
		bounds int
	}{
		"one of a list":    {map[string]any{"sub": "ann", "groups": []any{"users", "platform"}}, token.Admin, 0},
		"a pattern":        {map[string]any{"sub": "repo:acme/shop:ref:refs/heads/main"}, token.Act, 2},
		"another pattern":  {map[string]any{"sub": "repo:acme/shop:pull_request"}, "", 0},
		"a longer name":    {map[string]any{"sub": "repo:evil/x:repo:acme/shop:ref:refs/heads/main"}, "", 0},
		"a path":           {map[string]any{"sub": "bob", "realm_access": map[string]any{"roles": []any{"viewer"}}}, token.Read, 0},
		"a flag":           {map[string]any{"sub": "bob", "https://acme.example.com/ok": true}, token.Read, 0},
		"three parts":      {map[string]any{"sub": "a-b-c"}, token.Feed, 0},
		"parts that share": {map[string]any{"sub": "ac"}, "", 0},
		"the first":        {map[string]any{"sub": "abc", "groups": "platform"}, token.Admin, 0},
		"no subject":       {map[string]any{"groups": "platform"}, "", 0},
		"an object":        {map[string]any{"sub": "x", "groups": map[string]any{"platform": true}}, "", 0},
	} {
		got, found := token.Issued(rules, test.claims, now)
		if got.Scope != test.want || len(got.Bounds) != test.bounds || found != (test.want != "") || found && (got.Stored() || got.Name != "oidc:"+test.claims["sub"].(string)) {
			t.Errorf("%s: %+v, %t", name, got, found)
		}
	}
	for _, wrong := range []string{"", "read", "root sub=a", "read sub", "read =a", "read sub=", "read sub=*", "read sub=a nginx"} {
		if _, err := token.ParseRule(wrong); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
