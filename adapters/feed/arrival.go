package feed

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	unicodetext "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	// headSize is how much of an answer is read to describe it.
	headSize = 512
	// shownWords is how much of that an error quotes, in characters.
	shownWords = 80
	// leastSecret is the length from which a part of an address may be a secret:
	// shorter ones would blot out any text.
	leastSecret = 4
)

// plain undoes the harmless changes that publishing makes to a text: unrequested
// compression, a byte order mark, another encoding of Unicode.
func plain(text []byte, most int64) ([]byte, error) {
	if bytes.HasPrefix(text, gzipMagic) {
		stream, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%w: it is compressed with gzip and damaged: %w", errkind.Invalid, err)
		}
		text, err = io.ReadAll(outbound.Bounded(stream, most))
		if errors.Is(err, errkind.Limit) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w: it is compressed with gzip and damaged: %w", errkind.Invalid, err)
		}
	}
	text, _, err := transform.Bytes(unicodetext.BOMOverride(transform.Nop), text)
	if err != nil {
		return nil, fmt.Errorf("%w: its text cannot be decoded: %w", errkind.Invalid, err)
	}
	return text, nil
}

// received describes what a server sent: its type, the address that sent it if that
// differs from the requested one, and how it begins.
func (f *Feed) received(requested *url.URL, response *http.Response, head []byte) string {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")) // empty if it cannot be parsed
	text := "the server sent " + cmp.Or(kind, "an answer without a content type")
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" {
		text += fmt.Sprintf(" with Content-Encoding %.20q", encoding)
	}
	if final := shown(response.Request.URL); final != shown(requested) {
		text += ", after a redirect to " + final
	}
	return text + ", " + f.beginning(head)
}

// beginning shows how a document begins, without secrets: a server may echo the
// requested address.
func (f *Feed) beginning(head []byte) string {
	if len(head) == 0 {
		return "and it is empty"
	}
	text := unpacked(head)
	if decoded, _, err := transform.Bytes(unicodetext.BOMOverride(transform.Nop), text); err == nil {
		text = decoded
	}
	if !readable(text) {
		return fmt.Sprintf("beginning with the bytes % x", head[:min(len(head), 8)])
	}
	words := strings.Join(strings.Fields(string(text)), " ")
	for _, secret := range f.secrets() {
		words = strings.ReplaceAll(words, secret, "***")
	}
	if runes := []rune(words); len(runes) > shownWords {
		words = string(runes[:shownWords]) + "…"
	}
	return "beginning with " + strconv.Quote(words)
}

// unpacked is as much as can be unpacked of a compressed head; the head itself if
// it is not compressed.
func unpacked(head []byte) []byte {
	if stream, err := gzip.NewReader(bytes.NewReader(head)); err == nil {
		if text := headOf(stream); len(text) > 0 {
			return text
		}
	}
	return head
}

// readable reports whether a head, which may end within a character, is text.
func readable(head []byte) bool {
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size == 1 {
			return !utf8.FullRune(head)
		}
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
		head = head[size:]
	}
	return true
}

// secrets are the secret parts of the configured address.
func (f *Feed) secrets() []string {
	var found []string
	add := func(values ...string) {
		for _, value := range values {
			if len(value) >= leastSecret {
				found = append(found, value, url.QueryEscape(value))
			}
		}
	}
	add(f.listing.RawQuery)
	for _, values := range f.listing.Query() {
		add(values...)
	}
	if f.listing.User != nil {
		password, _ := f.listing.User.Password()
		add(password, f.listing.User.Username())
	}
	return found
}

// headOf reads the beginning of a body.
func headOf(body io.Reader) []byte {
	head, _ := io.ReadAll(io.LimitReader(body, headSize)) // after an error, what came before it
	return head
}
