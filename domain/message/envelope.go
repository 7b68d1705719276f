package message

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Account is the recipient of notifications, and the identity of this installation in
// them.
type Account struct {
	Name  string // userId
	Email string // notification_user_email
	// PublicURL is where receivers reach the status page, as in
	// https://tagwatch.example.com; empty for bodies without links. It also
	// identifies the installation to receivers of several.
	PublicURL string
}

// defaultSource is the source of an installation without a public address.
const defaultSource = "/tagwatch"

// link is the status page of what a notification is about, "" without a public
// address: of a tag, of a repository's tags, or of the entry of the event log.
func (a Account) link(n notification.Notification) string {
	if a.PublicURL == "" {
		return ""
	}
	base := strings.TrimRight(a.PublicURL, "/")
	switch n.Type {
	case notification.RepoUpdate:
		return base + "/?" + url.Values{"q": {n.Subject}}.Encode()
	case notification.EventLog:
		return base + "/notification?" + url.Values{"id": {n.ID}}.Encode()
	}
	return base + "/tag?" + url.Values{"name": {n.Subject}}.Encode()
}

// envelope is Anchore's body: the row of its outgoing queue. Receivers read
// these keys, so none is renamed, and tries and max_tries are times, as there.
type envelope struct {
	QueueID        notification.Type `json:"queueId"`
	UserID         string            `json:"userId"`
	DataID         string            `json:"dataId"`
	CreatedAt      int64             `json:"created_at"`
	LastUpdated    int64             `json:"last_updated"`
	RecordStateKey string            `json:"record_state_key"`
	RecordStateVal *string           `json:"record_state_val"`
	Tries          int64             `json:"tries"`     // of the last failed attempt; 0 before
	MaxTries       int64             `json:"max_tries"` // of giving up
	Data           envelopeData      `json:"data"`
}

type envelopeData struct {
	User    string            `json:"notification_user"`
	Email   string            `json:"notification_user_email"`
	Type    notification.Type `json:"notification_type"`
	Payload json.RawMessage   `json:"notification_payload"`
}

// Envelope is the body of a delivery in Anchore's form. Its times are epoch seconds.
func Envelope(n notification.Notification, d delivery.Delivery, account Account) ([]byte, error) {
	body, err := notification.Encode(envelope{
		QueueID:        n.Type,
		UserID:         account.Name,
		DataID:         n.ID,
		CreatedAt:      epoch(n.Created),
		LastUpdated:    max(epoch(n.Created), epoch(d.LastTry)),
		RecordStateKey: "active",
		Tries:          epoch(d.LastTry),
		MaxTries:       epoch(d.Deadline),
		Data:           envelopeData{User: account.Name, Email: account.Email, Type: n.Type, Payload: n.Payload},
	})
	if err != nil {
		return nil, fmt.Errorf("build the envelope of notification %s: %w", n.ID, err)
	}
	return body, nil
}

// epoch is in seconds since 1970; 0 for the zero time.
func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
