package notification

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Heading is what every notification has in common.
type Heading struct {
	ID      string // of the notification
	Account string // its name
	Causes  []Cause
	Created time.Time
	Trace   string // as Notification has it
}

// Content is the content of a notification of one type: [ImageAnalyzed],
// [TagMoved], [VulnerabilitiesChanged], [PolicyEvaluated], [RuntimeChanged],
// [TagsFound] or [Logged].
type Content interface {
	Type() Type
	// subject is the subscription key.
	subject() string
	// summary is one line for people, without the subject.
	summary() string
	// payload adds the keys of the type to the common ones.
	payload(common) any
}

// Evidence is what a statement about an image is based on. What does not matter to the
// statement, or is unknown, stays empty.
type Evidence struct {
	Image    image.Resolved
	Build    string // of the vulnerability data
	Matcher  vuln.Matcher
	Bundle   string // hash of the policy bundle
	Analyzer string
	Coverage vuln.Coverage
	// Incomplete is why the data may not have all that is to say about it; "" if
	// nothing is known to be missing.
	Incomplete string
}

// New builds a notification. Equal inputs give equal bytes.
func New(h Heading, content Content) (Notification, error) {
	n := Notification{
		ID:      h.ID,
		Type:    content.Type(),
		Subject: content.subject(),
		Created: h.Created,
		Trace:   h.Trace,
		Summary: content.subject() + ": " + content.summary(),
	}
	if len(h.Causes) > 0 {
		n.Cause = h.Causes[0]
	}
	payload, err := Encode(content.payload(commonOf(h, n)))
	if err != nil {
		return Notification{}, fmt.Errorf("build the payload of %s %s: %w", n.Type, n.ID, err)
	}
	n.Payload = payload
	return n, nil
}

// common is the part that all payloads share.
type common struct {
	NotificationID   string  `json:"notificationId"`
	UserID           string  `json:"userId"`
	SubscriptionKey  string  `json:"subscription_key,omitempty"`
	SubscriptionType Type    `json:"subscription_type,omitempty"`
	Cause            Cause   `json:"cause,omitempty"`
	Causes           []Cause `json:"causes,omitempty"` // only if there are several
}

func commonOf(h Heading, n Notification) common {
	c := common{NotificationID: n.ID, UserID: h.Account, Cause: n.Cause}
	if n.Type != EventLog { // endpoints name it, subscriptions cannot
		c.SubscriptionKey, c.SubscriptionType = n.Subject, n.Type
	}
	if len(h.Causes) > 1 {
		c.Causes = h.Causes
	}
	return c
}

// about are the keys of every notification about a tag.
type about struct {
	Tag      string         `json:"tag"`
	Platform image.Platform `json:"platform,omitzero"`
	evidence
	Previous *evidence `json:"previous,omitempty"`
}

// evidence is Evidence in a body. Anchore's spelling of the image's digest is
// kept for all types.
type evidence struct {
	ImageDigest image.Digest `json:"imageDigest,omitempty"`
	IndexDigest image.Digest `json:"index_digest,omitempty"`
	Build       string       `json:"data_build,omitempty"`
	Matcher     vuln.Matcher `json:"matcher,omitempty"`
	Bundle      string       `json:"bundle_hash,omitempty"`
	Analyzer    string       `json:"analyzer,omitempty"`
	// Coverage is absent before the image is matched.
	Coverage   vuln.Coverage `json:"coverage,omitzero"`
	Incomplete string        `json:"data_may_be_incomplete,omitempty"`
}

func newEvidence(e Evidence) evidence {
	return evidence{
		ImageDigest: e.Image.Manifest,
		IndexDigest: e.Image.Index,
		Build:       e.Build,
		Matcher:     e.Matcher,
		Bundle:      e.Bundle,
		Analyzer:    e.Analyzer,
		Coverage:    e.Coverage,
		Incomplete:  e.Incomplete,
	}
}

func newAbout(target image.Target, before, after Evidence) about {
	a := about{Tag: target.Reference.String(), Platform: target.Platform, evidence: newEvidence(after)}
	if after.Image.Index != "" {
		a.Platform = target.Platform.OrDefault() // which was taken from the index
	}
	if before != (Evidence{}) {
		previous := newEvidence(before)
		a.Previous = &previous
	}
	return a
}

// incomplete warns, in a summary, that the data does not cover the distribution of the
// image, or no longer fully, so that the rest is incomplete.
func (e Evidence) incomplete() string {
	if e.Incomplete == "" {
		return ""
	}
	return "; " + e.Incomplete
}

// Encode is JSON on one line. It does not escape <, > and &: bodies are never part of an
// HTML page, and people read them.
func Encode(value any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// orEmpty has an absent list encoded as [].
func orEmpty[T any](list []T) []T { return append([]T{}, list...) }
