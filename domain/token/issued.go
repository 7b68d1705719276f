package token

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Rule says what tokens of an OpenID Connect issuer allow: those with a claim of a value.
type Rule struct {
	Scope  Scope
	Claim  string
	Value  string // with * for any characters
	Bounds Bounds
}

// ParseRule reads "SCOPE CLAIM=VALUE [SUBJECT ...]". The parts are separated by spaces,
// because values such as those of GitHub have all other signs.
func ParseRule(text string) (Rule, error) {
	parts := strings.Fields(text)
	if len(parts) < 2 {
		return Rule{}, fmt.Errorf("%q: expected SCOPE CLAIM=VALUE [SUBJECT ...], as in: act sub=repo:acme/shop:* ghcr.io/acme/*: %w", text, errkind.Invalid)
	}
	claim, value, found := strings.Cut(parts[1], "=")
	rule := Rule{Scope: Scope(parts[0]), Claim: claim, Value: value}
	switch {
	case !slices.Contains(Scopes, rule.Scope):
		return Rule{}, fmt.Errorf("%q: scope %q: expected feed, read, act or admin: %w", text, rule.Scope, errkind.Invalid)
	case !found || claim == "" || strings.Trim(value, "*") == "":
		return Rule{}, fmt.Errorf("%q: expected a claim and its value, as in: groups=platform: %w", text, errkind.Invalid)
	}
	for _, subject := range parts[2:] {
		if err := image.CheckSubjectPattern(subject); err != nil {
			return Rule{}, fmt.Errorf("%q: %w: %w", text, err, errkind.Invalid)
		}
		rule.Bounds = append(rule.Bounds, image.Pattern(subject))
	}
	return rule, nil
}

// Issued is what a token of an issuer with these claims allows, by the first of the rules
// that selects it; false if none does.
func Issued(rules []Rule, claims map[string]any, now time.Time) (Token, bool) {
	subject, _ := claims["sub"].(string)
	expires, _ := claims["exp"].(float64)
	if subject == "" {
		return Token{}, false
	}
	at := slices.IndexFunc(rules, func(r Rule) bool { return r.selects(claims) })
	if at < 0 {
		return Token{}, false
	}
	name := issuedPrefix + subject
	return Token{ID: name, Name: name, Scope: rules[at].Scope, Bounds: rules[at].Bounds, Created: now, Expires: time.Unix(int64(expires), 0)}, true
}

// issuedPrefix begins the names of tokens of an issuer: no stored token has such a name.
const issuedPrefix = "oidc:"

// Stored reports that the token is one of Tagwatch's own, which can be revoked.
func (t Token) Stored() bool { return !strings.HasPrefix(t.ID, issuedPrefix) }

func (r Rule) selects(claims map[string]any) bool {
	switch value := find(claims, r.Claim).(type) {
	case nil:
		return false
	case []any:
		return slices.ContainsFunc(value, r.equals)
	default:
		return r.equals(value)
	}
}

func (r Rule) equals(value any) bool {
	switch value.(type) {
	case string, bool, float64:
		return matches(r.Value, fmt.Sprint(value))
	}
	return false
}

// find is a claim by its name, or by a path such as realm_access.roles.
func find(claims map[string]any, name string) any {
	if value, found := claims[name]; found {
		return value
	}
	first, rest, nested := strings.Cut(name, ".")
	inner, isObject := claims[first].(map[string]any)
	if !nested || !isObject {
		return nil
	}
	return find(inner, rest)
}

// matches compares a text with a pattern in which * stands for any characters.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, found := strings.CutPrefix(text, parts[0])
	if !found {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
