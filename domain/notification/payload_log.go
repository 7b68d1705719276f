package notification

import (
	"encoding/json"
	"time"
)

// Level is the severity of an entry of the event log.
type Level string

// The levels, as in Anchore.
const (
	LevelInfo  Level = "info"
	LevelError Level = "error"
)

// Logged is an entry of the event log: an event of Tagwatch itself.
type Logged struct {
	// Event is a dotted name in Anchore's manner, as in
	// system.image_analysis.registry_lookup_failed.
	Event    string
	Level    Level
	Message  string
	Details  map[string]any // must be JSON; holds no secret
	At       time.Time
	Resource Resource
	// Service and Host name the process that found it.
	Service, Host string
}

// Resource is the subject of an entry of the event log.
type Resource struct {
	Account string `json:"user_id"`
	ID      string `json:"id"`
	Kind    string `json:"type"` // as in image_tag, repository, feeds, endpoint
}

// Type is event_log.
func (Logged) Type() Type { return EventLog }

func (c Logged) subject() string { return c.Resource.ID }

func (c Logged) summary() string { return c.Message }

func (c Logged) payload(shared common) any {
	type source struct {
		Service   string  `json:"servicename"`
		Host      string  `json:"hostid"`
		BaseURL   string  `json:"base_url"`
		RequestID *string `json:"request_id"`
	}
	type entry struct {
		Type      string         `json:"type"`
		Level     Level          `json:"level"`
		Message   string         `json:"message"`
		Details   map[string]any `json:"details"`
		Timestamp string         `json:"timestamp"`
		Resource  Resource       `json:"resource"`
		Source    source         `json:"source"`
	}
	details := c.Details
	if details == nil {
		details = map[string]any{}
	}
	at := c.At.UTC()
	return struct {
		common
		ID      string `json:"generated_uuid"`
		Created string `json:"created_at"`
		Event   entry  `json:"event"`
	}{
		common:  shared,
		ID:      shared.NotificationID,
		Created: at.Format(time.RFC3339),
		Event: entry{c.Event, c.Level, c.Message, details, at.Format("2006-01-02T15:04:05.000000Z07:00"),
			c.Resource, source{Service: c.Service, Host: c.Host}},
	}
}

// EntryOf is the dotted name of the entry of the event log that a notification
// carries; "" for other types.
func EntryOf(n Notification) string {
	var payload struct{ Event struct{ Type string } }
	if n.Type != EventLog || json.Unmarshal(n.Payload, &payload) != nil {
		return ""
	}
	return payload.Event.Type
}
