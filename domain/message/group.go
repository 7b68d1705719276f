package message

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Grouped is the type of a body with several notifications. The pace of an endpoint makes
// groups; nobody subscribes to them.
const Grouped notification.Type = "group"

// Group is the notifications of one body. Equal notifications make an equal group, so that
// its id is the same at every attempt.
type Group struct {
	ID            string
	Created       time.Time // of its newest notification
	Notifications []notification.Notification
}

// NewGroup groups notifications, in the order given.
func NewGroup(notifications []notification.Notification) Group {
	g := Group{Notifications: notifications}
	sum := sha256.New()
	for _, n := range notifications {
		sum.Write([]byte(n.ID + "\n"))
		if n.Created.After(g.Created) {
			g.Created = n.Created
		}
	}
	g.ID = "group-" + hex.EncodeToString(sum.Sum(nil))[:32]
	return g
}

// RenderGroup is the body of a group in the endpoint's form. The delivery is any of the
// group's; its times go into Anchore's envelope.
func RenderGroup(f Form, g Group, d delivery.Delivery, account Account) (Body, error) {
	return renderWithin(f, d, account, g.Notifications, func(notifications []notification.Notification) (Body, error) {
		g := Group{g.ID, g.Created, notifications}
		switch f.Format {
		case "", FormatAnchore:
			return g.envelope(d, account)
		case FormatCloudEvents:
			return g.cloudEvents(account)
		case FormatSlim:
			return g.slim(account)
		}
		return renderTemplate(f, newMessage(f, g.ID, notifications, account))
	})
}

func (g Group) counts() map[notification.Type]int {
	counts := map[notification.Type]int{}
	for _, n := range g.Notifications {
		counts[n.Type]++
	}
	return counts
}

func (g Group) envelope(d delivery.Delivery, account Account) (Body, error) {
	payload := struct {
		NotificationID string                    `json:"notificationId"`
		UserID         string                    `json:"userId"`
		Counts         map[notification.Type]int `json:"counts"`
		Notifications  []json.RawMessage         `json:"notifications"`
	}{NotificationID: g.ID, UserID: account.Name, Counts: g.counts()}
	for _, n := range g.Notifications {
		payload.Notifications = append(payload.Notifications, n.Payload)
	}
	raw, err := notification.Encode(payload)
	if err != nil {
		return Body{}, fmt.Errorf("build the payload of %s: %w", g.ID, err)
	}
	content, err := Envelope(notification.Notification{ID: g.ID, Type: Grouped, Created: g.Created, Payload: raw}, d, account)
	return Body{content, jsonType}, err
}

// cloudEvents is the JSON batch format, in which each event keeps its own id.
func (g Group) cloudEvents(account Account) (Body, error) {
	events := []cloudEvent{}
	for _, n := range g.Notifications {
		events = append(events, newCloudEvent(n, account))
	}
	return renderJSON("application/cloudevents-batch+json", events)
}

func (g Group) slim(account Account) (Body, error) {
	body := struct {
		ID            string                    `json:"id"`
		Type          notification.Type         `json:"type"`
		UserID        string                    `json:"userId"`
		Created       string                    `json:"created_at"`
		Summary       string                    `json:"summary"`
		Counts        map[notification.Type]int `json:"counts"`
		Notifications []slim                    `json:"notifications"`
	}{g.ID, Grouped, account.Name, g.Created.UTC().Format(time.RFC3339), title(g.Notifications), g.counts(), []slim{}}
	for _, n := range g.Notifications {
		s, err := newSlim(n, account)
		if err != nil {
			return Body{}, err
		}
		body.Notifications = append(body.Notifications, s)
	}
	return renderJSON(jsonType, body)
}
