package operations

import (
	"errors"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Conditional is in requests that change settings which two people can change at once.
type Conditional struct {
	// IfMatch names the editions that the change may replace, as ETags; empty for any.
	IfMatch string `header:"If-Match" json:"-" maxLength:"1000" doc:"ETag of the settings that the change is based on: if they are other ones by now, nothing is changed and the answer is 412."`
}

// Match has the change be made only if the settings have one of these ETags.
func (c *Conditional) Match(tags string) { c.IfMatch = tags }

// expected are the editions that IfMatch names. A weak ETag names none.
func (c Conditional) expected() store.Expected {
	text := strings.TrimSpace(c.IfMatch)
	if text == "" || text == "*" {
		return store.Expected{Any: text == "*"}
	}
	expected := store.Expected{Editions: []int64{}}
	for tag := range strings.SplitSeq(text, ",") {
		if edition, err := editionOf(strings.TrimSpace(tag)); err == nil {
			expected.Editions = append(expected.Editions, edition)
		}
	}
	return expected
}

// Versioned is an answer about settings that two people can change at once.
type Versioned interface {
	// EditionTag begins the ETag of the answer, and is one itself.
	EditionTag() string
}

// Edited is the edition of settings, in answers about them.
type Edited struct {
	Number int64 `json:"edition" doc:"Number of these settings; every change gives them another one. In quotes, it is a value of If-Match."`
}

// EditionTag implements Versioned.
func (e Edited) EditionTag() string { return `"` + strconv.FormatInt(e.Number, 10) + `"` }

// editionOf is the edition in an ETag, before the hash of the answer.
func editionOf(tag string) (int64, error) {
	number, err := namedIn(tag)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(number, 10, 64)
}

// namedIn names the settings in an ETag: what is before the hash of the answer.
func namedIn(tag string) (string, error) {
	inner, opened := strings.CutPrefix(tag, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !opened || !closed {
		return "", strconv.ErrSyntax
	}
	name, _, _ := strings.Cut(inner, "-")
	return name, nil
}

// ErrChanged is behind the refusal of a change that is based on other settings than those
// that are stored.
var ErrChanged = store.ErrChanged

// changed refuses a change of what somebody else changed.
func changed(what string, err error) error {
	if errors.Is(err, ErrChanged) {
		return &Refusal{Kind: errkind.Conflict, Text: what + " was changed or deleted meanwhile; nothing was done", Hint: "read it again, and repeat the change", Cause: err}
	}
	return err
}
