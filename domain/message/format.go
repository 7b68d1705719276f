package message

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// LeastMaxBody is the smallest MaxBody: a body without any list needs no more.
const LeastMaxBody = 8 << 10

// Form is the form of an endpoint's bodies.
type Form struct {
	Format   Format
	MaxBody  int    // bytes; zero for any number
	Template string // for FormatTemplate
}

// Format is the form of the body.
type Format string

// The formats.
const (
	FormatAnchore     Format = "anchore" // the default
	FormatCloudEvents Format = "cloudevents"
	FormatSlim        Format = "slim"
)

// HasSlim reports whether a body in this format has a form without lists, for
// receivers that refuse the size of the whole.
func (f Format) HasSlim() bool { return f == "" || f == FormatAnchore || f == FormatCloudEvents }

// Body is what is sent to a receiver.
type Body struct {
	Content     []byte
	ContentType string
}

const jsonType = "application/json"

// Render is the body of one delivery in the endpoint's form.
func Render(f Form, n notification.Notification, d delivery.Delivery, account Account) (Body, error) {
	return renderWithin(f, d, account, []notification.Notification{n}, func(notifications []notification.Notification) (Body, error) {
		n := notifications[0]
		switch f.Format {
		case "", FormatAnchore:
			content, err := Envelope(n, d, account)
			return Body{content, jsonType}, err
		case FormatCloudEvents:
			return renderJSON("application/cloudevents+json", newCloudEvent(n, account))
		case FormatSlim:
			slim, err := newSlim(n, account)
			if err != nil {
				return Body{}, err
			}
			return renderJSON(jsonType, slim)
		}
		return renderTemplate(f, newMessage(f, n.ID, notifications, account))
	})
}

func renderJSON(contentType string, value any) (Body, error) {
	content, err := notification.Encode(value)
	return Body{content, contentType}, err
}

// cloudEvent is the JSON format of CloudEvents 1.0 in structured mode, with one
// extension attribute, cause.
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type cloudEvent struct {
	SpecVersion string             `json:"specversion"`
	ID          string             `json:"id"`
	Source      string             `json:"source"`
	Type        string             `json:"type"`
	Subject     string             `json:"subject"`
	Time        string             `json:"time"`
	ContentType string             `json:"datacontenttype"`
	Cause       notification.Cause `json:"cause,omitempty"`
	Data        json.RawMessage    `json:"data"`
}

// cloudEventType precedes the notification type, as the specification asks for
// a reversed domain name.
const cloudEventType = "com.github.tagwatch."

func newCloudEvent(n notification.Notification, account Account) cloudEvent {
	return cloudEvent{
		SpecVersion: "1.0",
		ID:          n.ID,
		Source:      cmp.Or(account.PublicURL, defaultSource),
		Type:        cloudEventType + string(n.Type),
		Subject:     n.Subject,
		Time:        n.Created.UTC().Format(time.RFC3339),
		ContentType: jsonType,
		Cause:       n.Cause,
		Data:        n.Payload,
	}
}

// slim is a notification with counts in place of documents and lists.
type slim struct {
	ID      string            `json:"id"`
	Type    notification.Type `json:"type"`
	Subject string            `json:"subject"`
	UserID  string            `json:"userId"`
	Created string            `json:"created_at"`
	Summary string            `json:"summary"`
	slimPayload
}

// slimPayload are the keys of a payload that a slim body keeps.
type slimPayload struct {
	Cause       notification.Cause   `json:"cause,omitempty"`
	Causes      []notification.Cause `json:"causes,omitempty"`
	Tag         string               `json:"tag,omitempty"`
	Platform    string               `json:"platform,omitempty"`
	Repository  string               `json:"repository,omitempty"`
	ImageDigest string               `json:"imageDigest,omitempty"`
	IndexDigest string               `json:"index_digest,omitempty"`
	Build       string               `json:"data_build,omitempty"`
	Matcher     string               `json:"matcher,omitempty"`
	Bundle      string               `json:"bundle_hash,omitempty"`
	Coverage    json.RawMessage      `json:"coverage,omitempty"`
	Status      string               `json:"status,omitempty"`
	FinalAction string               `json:"final_action,omitempty"`
	Previous    json.RawMessage      `json:"previous,omitempty"`
	Counts      map[string]int       `json:"counts,omitempty"`
	Link        string               `json:"link,omitempty"`
}

func newSlim(n notification.Notification, account Account) (slim, error) {
	s := slim{
		ID:      n.ID,
		Type:    n.Type,
		Subject: n.Subject,
		UserID:  account.Name,
		Created: n.Created.UTC().Format(time.RFC3339),
		Summary: n.Summary,
	}
	if err := json.Unmarshal(n.Payload, &s.slimPayload); err != nil {
		return slim{}, fmt.Errorf("read the payload of notification %s: %w: %w", n.ID, errkind.Invalid, err)
	}
	return s, nil
}
