// Package message renders the bodies of webhooks: of one notification or of several, in each
// format, within the size limits of receivers. Everything in it is pure.
package message

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// Message is what templates see: one notification, or a group of them.
type Message struct {
	ID            string // of the notification or the group
	Title         string // one line
	Account       string
	Count         int
	Notifications []Item
	room          room
}

// Item is a notification in a Message.
type Item struct {
	ID      string
	Type    notification.Type
	Subject string
	Cause   notification.Cause
	Summary string // with the subject
	Created string // RFC 3339, UTC
	Link    string // "" without one
	payload json.RawMessage
}

// Listed are the notifications that fit into a message of the format; Rest counts the
// others.
func (m Message) Listed() []Item { return m.room.fit(m.Notifications) }

// Rest is how many notifications are not Listed.
func (m Message) Rest() int { return len(m.Notifications) - len(m.Listed()) }

// Payload is the notification's payload, for templates that want more than its
// summary: {{.Payload.counts.added}}.
func (i Item) Payload() (map[string]any, error) {
	var payload map[string]any
	if err := json.Unmarshal(i.payload, &payload); err != nil {
		return nil, fmt.Errorf("read the payload of notification %s: %w", i.ID, err)
	}
	return payload, nil
}

func newMessage(f Form, id string, notifications []notification.Notification, account Account) Message {
	m := Message{ID: id, Title: title(notifications), Account: account.Name, Count: len(notifications), room: f.room()}
	for _, n := range notifications {
		m.Notifications = append(m.Notifications, newItem(n, account))
	}
	return m
}

func newItem(n notification.Notification, account Account) Item {
	item := Item{
		ID:      n.ID,
		Type:    n.Type,
		Subject: n.Subject,
		Cause:   n.Cause,
		Summary: n.Summary,
		Created: n.Created.UTC().Format(time.RFC3339),
		payload: n.Payload,
	}
	if link := account.link(n); len(link) <= maxLink {
		item.Link = link
	}
	return item
}

// title is the type and cause of one notification, or the numbers of several.
func title(notifications []notification.Notification) string {
	if len(notifications) == 1 {
		n := notifications[0]
		return string(n.Type) + because([]notification.Cause{n.Cause})
	}
	counts, causes := map[notification.Type]int{}, []notification.Cause{}
	for _, n := range notifications {
		counts[n.Type]++
		if !slices.Contains(causes, n.Cause) {
			causes = append(causes, n.Cause)
		}
	}
	var parts []string
	for _, t := range notification.Types {
		if counts[t] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[t], t))
		}
	}
	return fmt.Sprintf("%d notifications: %s%s", len(notifications), strings.Join(parts, ", "), because(causes))
}

func because(causes []notification.Cause) string {
	var names []string
	for _, cause := range causes {
		if cause != "" {
			names = append(names, string(cause))
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return " (cause: " + strings.Join(names, ", ") + ")"
}
