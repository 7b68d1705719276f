package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// leastPart is the shortest part of an address, in bytes, that is hidden on its own:
// shorter ones are ordinary words.
const leastPart = 6

// hideAddress hides the query of an address, and all of one that was given by
// reference: receivers echo whole addresses, and parts of them.
func (c *credentials) hideAddress(u *url.URL, secret bool) {
	c.hide(u.RawQuery)
	for _, values := range u.Query() {
		c.hideParts(values...)
	}
	if password, found := u.User.Password(); found {
		c.hide(password)
		c.hide(basic(u.User.Username(), password))
	}
	if !secret {
		return
	}
	c.hideParts(u.User.Username(), u.Fragment)
	for name := range u.Query() {
		c.hideParts(name)
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		c.hide(path)
		c.hideParts(strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/;,=:@", r) })...)
		c.hideParts(strings.Split(path, "/")...)
	}
}

func (c *credentials) hideParts(parts ...string) {
	for _, part := range parts {
		if len(part) >= leastPart {
			c.hide(part)
		}
	}
}

// hide hides a secret, also in Base64 and in hexadecimal digits.
func (c *credentials) hide(secret string) {
	if secret == "" {
		return
	}
	c.hidden = append(c.hidden, secret)
	if decoded, err := url.PathUnescape(secret); err == nil && decoded != secret {
		c.hidden = append(c.hidden, decoded)
	}
	if len(secret) < leastPart {
		return
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		c.hidden = append(c.hidden, encoding.EncodeToString([]byte(secret)))
	}
	digits := hex.EncodeToString([]byte(secret))
	c.hidden = append(c.hidden, digits, strings.ToUpper(digits))
}

// redact replaces the secrets, the longest first: one may contain another.
func (c credentials) redact(text string) string {
	hidden := slices.Clone(c.hidden)
	slices.SortFunc(hidden, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range slices.Compact(hidden) {
		text = blot(text, secret)
	}
	return text
}

// blot replaces a secret in every spelling that keeps its characters in order.
func blot(text, secret string) string {
	var out strings.Builder
	for text != "" {
		if length := spelled(text, secret); length > 0 {
			out.WriteString("***")
			text = text[length:]
			continue
		}
		_, size := utf8.DecodeRuneInString(text)
		out.WriteString(text[:size])
		text = text[size:]
	}
	return out.String()
}

// spelled is the length of the beginning of a text that spells a secret; 0 if it
// does not.
func spelled(text, secret string) int {
	if secret == "" {
		return 0
	}
	_, size := utf8.DecodeRuneInString(secret)
	for _, length := range []int{encoded(text, secret[:size]), literal(text, secret[:size])} {
		if length == 0 {
			continue
		}
		if size == len(secret) {
			return length
		}
		if rest := spelled(text[length:], secret[size:]); rest > 0 {
			return length + rest
		}
	}
	return 0
}

// literal is the length of a character as it is.
func literal(text, character string) int {
	if strings.HasPrefix(text, character) {
		return len(character)
	}
	return 0
}

var (
	percent = regexp.MustCompile(`^%(?:25)*([0-9A-Fa-f]{2})`)
	escape  = regexp.MustCompile(`^\\+(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{2})|U([0-9A-Fa-f]{8}))`)
	entity  = regexp.MustCompile(`^&(?:amp;)*(?:#(\d{1,7});|#[xX]([0-9A-Fa-f]{1,6});|([A-Za-z]{2,8});)`)
)

// encoded is the length of another spelling of one character: with a backslash
// before it, percent-encoded (however often), as an escape of JSON or Go, or as an
// entity of HTML.
func encoded(text, character string) int {
	if text == "" {
		return 0
	}
	switch text[0] {
	case '+':
		if character == " " {
			return 1
		}
	case '%':
		return percentEncoded(text, character)
	case '\\':
		if rest := strings.TrimLeft(text, `\`); strings.HasPrefix(rest, character) {
			return len(text) - len(rest) + len(character)
		}
		if found := escape.FindStringSubmatch(text); found != nil && isRune(strings.Join(found[1:], ""), 16, character) {
			return len(found[0])
		}
	case '&':
		found := entity.FindStringSubmatch(text)
		if found != nil && (isRune(found[1], 10, character) || isRune(found[2], 16, character) ||
			found[3] != "" && html.UnescapeString("&"+found[3]+";") == character) {
			return len(found[0])
		}
	}
	return 0
}

func percentEncoded(text, character string) (length int) {
	for _, b := range []byte(character) {
		found := percent.FindStringSubmatch(text[length:])
		if found == nil {
			return 0
		}
		value, err := strconv.ParseUint(found[1], 16, 8)
		if plus := b == ' ' && value == '+'; err != nil || byte(value) != b && !plus {
			return 0
		}
		length += len(found[0])
	}
	return length
}

func isRune(digits string, base int, character string) bool {
	value, err := strconv.ParseUint(digits, base, 32)
	return err == nil && string(rune(value)) == character
}
