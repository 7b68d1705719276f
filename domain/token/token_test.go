package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestProves(t *testing.T) {
	t.Parallel()
	made, text, err := token.New("ci", token.Act, nil, now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	other, otherText, err := token.New("ci", token.Act, nil, now, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := token.ParseID(text); !ok || id != made.ID || !strings.HasPrefix(text, token.Prefix) {
		t.Errorf("%q has id %q, %t, want %q", text, id, ok, made.ID)
	}
	if strings.Contains(made.Hash, text) || made.Hash == other.Hash || made.ID == other.ID {
		t.Errorf("hash %q, ids %q and %q", made.Hash, made.ID, other.ID)
	}
	for _, test := range []struct {
		name, text string
		at         time.Time
		want       bool
	}{
		{"right", text, now, true},
		{"expired", text, now.Add(time.Hour), false},
		{"another", otherText, now, false},
		{"empty", "", now, false},
		{"longer", text + "0", now, false},
	} {
		if got := made.Proves(test.text, test.at); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	if !other.Proves(otherText, now.AddDate(10, 0, 0)) {
		t.Error("a token without an end ended")
	}
}

// TestParseID: what was misspelled or cut is no token.
func TestParseID(t *testing.T) {
	t.Parallel()
	_, text, err := token.New("ci", token.Read, nil, now, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		misspelled := text[:i] + string(text[i]^1) + text[i+1:]
		if _, ok := token.ParseID(misspelled); ok {
			t.Errorf("%q is taken for a token", misspelled)
		}
	}
	for _, wrong := range []string{"", token.Prefix, text[:len(text)-1], text + "a", strings.TrimPrefix(text, token.Prefix), " " + text} {
		if _, ok := token.ParseID(wrong); ok {
			t.Errorf("%q is taken for a token", wrong)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]error{
		"no name":    refusal("", token.Read, nil, time.Time{}),
		"long name":  refusal(strings.Repeat("a", 64), token.Read, nil, time.Time{}),
		"odd name":   refusal("a b", token.Read, nil, time.Time{}),
		"no scope":   refusal("ci", "", nil, time.Time{}),
		"odd scope":  refusal("ci", "root", nil, time.Time{}),
		"no pattern": refusal("ci", token.Read, token.Bounds{"nginx"}, time.Time{}),
		"past":       refusal("ci", token.Read, nil, now),
	} {
		if !errors.Is(refused, errkind.Invalid) {
			t.Errorf("%s: %v", name, refused)
		}
	}
}

func refusal(name string, scope token.Scope, bounds token.Bounds, expires time.Time) error {
	_, _, err := token.New(name, scope, bounds, now, expires)
	return err
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for i, has := range token.Scopes {
		for j, needed := range token.Scopes {
			if got := has.Allows(needed); got != (i >= j) {
				t.Errorf("%s allows %s: %t", has, needed, got)
			}
		}
		if token.Scope("").Allows(has) || has.Allows("") || token.Scope("root").Allows(has) {
			t.Errorf("no scope and %s", has)
		}
	}
}

// TestBounds: a tag is within by any of its names, a repository only with all its tags.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		bounds  token.Bounds
		subject string
		want    bool
	}{
		{nil, "docker.io/library/nginx:1", true},
		{nil, "vulnerability data", true},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web/shop:1", true},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web/shop:1@linux/arm64", true},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web/shop", true},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/website/shop:1", false},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/other/web/shop:1", false},
		{token.Bounds{"ghcr.io/web/*"}, "vulnerability data", false},
		{token.Bounds{"ghcr.io/web/*"}, "", false},
		{token.Bounds{"*"}, "vulnerability data", false},
		{token.Bounds{"ghcr.io/web/shop:1.*"}, "ghcr.io/web/shop:1.2", true},
		{token.Bounds{"ghcr.io/web/shop:1.*"}, "ghcr.io/web/shop:2.0", false},
		{token.Bounds{"ghcr.io/web/shop:1.*"}, "ghcr.io/web/shop", false},
		{token.Bounds{"ghcr.io/web/shop:*"}, "ghcr.io/web/shop", true},
		{token.Bounds{"ghcr.io/web/shop:1.*"}, "ghcr.io/web/shop@sha256:" + strings.Repeat("a", 64), false},
		{token.Bounds{"ghcr.io/web/shop"}, "ghcr.io/web/shop@sha256:" + strings.Repeat("a", 64), true},
		{token.Bounds{"docker.io/library/nginx"}, "docker.io/nginx:1", true},
		{token.Bounds{"docker.io/nginx"}, "docker.io/library/nginx:1", true},
		{token.Bounds{"a.io/x/*", "b.io/y/*"}, "b.io/y/z:1", true},
	} {
		if got := test.bounds.IncludeSubject(test.subject); got != test.want {
			t.Errorf("%q include %q: %t", test.bounds, test.subject, got)
		}
	}
	if target, err := image.ParseTarget("ghcr.io/web/shop:1"); err != nil || (token.Bounds{"ghcr.io/other/*"}).Include(target) {
		t.Errorf("outside: %v", err)
	}
}

// TestIncludePattern: a pattern is within the bounds only if all tags that it matches are.
func TestIncludePattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		bounds  token.Bounds
		pattern string
		want    bool
	}{
		{nil, "", true},
		{nil, "*/web", true},
		{token.Bounds{"ghcr.io/web/*"}, "", false},
		{token.Bounds{"ghcr.io/web/*"}, "*", false},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/*", false},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web*", false},
		{token.Bounds{"ghcr.io/web/*"}, "*ghcr.io/web/shop", false},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web/shop", true},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web/s*:1.*", true},
		{token.Bounds{"ghcr.io/web/*"}, "ghcr.io/web/*", true},
		{token.Bounds{"ghcr.io/*/shop"}, "ghcr.io/web/*/shop", true},
		{token.Bounds{"ghcr.io/web/*:1.*"}, "ghcr.io/web/shop", false},
		{token.Bounds{"ghcr.io/web/*:1.*"}, "ghcr.io/web/shop:*", false},
		{token.Bounds{"ghcr.io/web/*:1.*"}, "ghcr.io/web/shop:1.2", true},
		{token.Bounds{"ghcr.io/web/*:*"}, "ghcr.io/web/shop", true},
		{token.Bounds{"quay.io/*", "ghcr.io/web/*"}, "ghcr.io/web/shop", true},
	} {
		if got := test.bounds.IncludePattern(test.pattern); got != test.want {
			t.Errorf("%q includes %q: %t", test.bounds, test.pattern, got)
		}
	}
}
