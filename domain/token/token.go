// Package token holds the tokens of the HTTP API: what they look like, what each of
// them allows, and how an offered one is checked. Everything in it is pure.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Prefix begins every token, so that programs that search for secrets find one.
const Prefix = "twt_"

const (
	idLength       = 8
	secretLength   = 26
	checksumLength = 8
)

// Token is what is stored of one. Its text, the secret, is not.
type Token struct {
	// ID is the part of the text that finds the token; it is no secret.
	ID   string
	Name string
	// Hash is the SHA-256 of the text, in hexadecimal digits.
	Hash    string
	Scope   Scope
	Bounds  Bounds
	Created time.Time
	Expires time.Time // zero for never
}

// Scope is what a token may do. Each scope includes those before it.
type Scope string

// The scopes.
const (
	Feed  Scope = "feed"  // read Atom feeds: the only one that may be in an address
	Read  Scope = "read"  // see
	Act   Scope = "act"   // subscribe, unsubscribe, rescan, redeliver, accept risks
	Admin Scope = "admin" // change endpoints, policies and tokens
)

// Scopes are all scopes, the least first.
var Scopes = []Scope{Feed, Read, Act, Admin}

// Allows reports whether the scope includes another.
func (s Scope) Allows(needed Scope) bool {
	have, need := slices.Index(Scopes, s), slices.Index(Scopes, needed)
	return need >= 0 && have >= need
}

// Bounds are the tags that a token is limited to, for what it shows as well as for
// what it changes. Without any, it is not limited.
type Bounds []image.Pattern

// Whole reports that there is no limit.
func (b Bounds) Whole() bool { return len(b) == 0 }

// Include reports whether the target is within the bounds.
func (b Bounds) Include(target image.Target) bool {
	return b.Whole() || slices.ContainsFunc(b, func(p image.Pattern) bool { return p.Includes(target) })
}

// IncludeRepository reports whether all tags of the repository are within the bounds.
func (b Bounds) IncludeRepository(repository image.Repository) bool {
	return b.Whole() || slices.ContainsFunc(b, func(p image.Pattern) bool { return p.IncludesRepository(repository) })
}

// IncludePattern reports whether all tags of a pattern of subjects are within the bounds; ""
// is the pattern of all tags.
func (b Bounds) IncludePattern(subjects string) bool {
	return b.Whole() || subjects != "" && slices.ContainsFunc(b, func(p image.Pattern) bool { return p.IncludesPattern(subjects) })
}

// IncludeSubject reports whether the subject of a notification, a tag or a repository,
// is within the bounds. What is neither is about the whole installation.
func (b Bounds) IncludeSubject(subject string) bool {
	if b.Whole() {
		return true
	}
	if repository, err := image.ParseRepository(subject); err == nil && subject == repository.String() {
		return b.IncludeRepository(repository)
	}
	target, err := image.ParseTarget(subject)
	return err == nil && subject == target.String() && b.Include(target)
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$`)

// New makes a token and its text, which is shown once.
func New(name string, scope Scope, bounds Bounds, created, expires time.Time) (Token, string, error) {
	t := Token{ID: strings.ToLower(rand.Text()[:idLength]), Name: name, Scope: scope, Bounds: bounds, Created: created, Expires: expires}
	if err := t.validate(); err != nil {
		return Token{}, "", err
	}
	body := t.ID + strings.ToLower(rand.Text()[:secretLength])
	text := Prefix + body + checksum(body)
	t.Hash = hash(text)
	return t, text, nil
}

func (t Token) validate() error {
	switch {
	case !namePattern.MatchString(t.Name):
		return fmt.Errorf("token name %q: expected 1 to 63 letters, digits, '.', '_' and '-', beginning with a letter or digit: %w", t.Name, errkind.Invalid)
	case !slices.Contains(Scopes, t.Scope):
		return fmt.Errorf("scope %q: expected feed, read, act or admin: %w", t.Scope, errkind.Invalid)
	case !t.Expires.IsZero() && !t.Expires.After(t.Created):
		return fmt.Errorf("the token would have expired already; give a time in the future: %w", errkind.Invalid)
	}
	for _, pattern := range t.Bounds {
		if err := image.CheckSubjectPattern(string(pattern)); err != nil {
			return fmt.Errorf("%w: %w", err, errkind.Invalid)
		}
	}
	return nil
}

// ParseID is the ID in a token's text; false for a text that cannot be a token, as one
// that was misspelled or cut.
func ParseID(text string) (id string, ok bool) {
	body, found := strings.CutPrefix(text, Prefix)
	if !found || len(body) != idLength+secretLength+checksumLength {
		return "", false
	}
	body, sum := body[:idLength+secretLength], body[idLength+secretLength:]
	return body[:idLength], sum == checksum(body)
}

// Proves reports whether the text is that of this token, in the same time however much
// of it is right, and whether the token is still valid.
func (t Token) Proves(text string, now time.Time) bool {
	same := subtle.ConstantTimeCompare([]byte(hash(text)), []byte(t.Hash)) == 1
	return same && !t.Expired(now)
}

// Expired reports that the token is no longer valid.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// checksum tells a misspelled token from one that is unknown, without the database.
func checksum(body string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body))) }
