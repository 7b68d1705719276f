package anchore

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/operations"
)

// eventTypes are Anchore's events of the notification types, and two in its manner for
// what it has no event for.
var eventTypes = map[notification.Type][2]string{
	notification.AnalysisUpdate: {"user.image.analysis.completed", "image_tag"},
	notification.VulnUpdate:     {"user.checks.tag.vulnerabilities.update", "image_tag"},
	notification.PolicyEval:     {"user.checks.tag.policy_evaluation.update", "image_tag"},
	notification.TagUpdate:      {"user.image.tag.update", "image_tag"},
	notification.RuntimeUpdate:  {"user.image.runtime.update", "image_tag"},
	notification.RepoUpdate:     {"user.image.repository.update", "repository"},
}

type event struct {
	Type      string         `json:"type"`
	Level     string         `json:"level"`
	Message   string         `json:"message"`
	Details   map[string]any `json:"details"`
	Timestamp string         `json:"timestamp"`
	Resource  resource       `json:"resource"`
	Source    source         `json:"source"`
}

type resource struct {
	Account string `json:"user_id"`
	ID      string `json:"id"`
	Kind    string `json:"type"`
}

type source struct {
	Service   string  `json:"servicename"`
	Host      string  `json:"hostid"`
	BaseURL   string  `json:"base_url"`
	RequestID *string `json:"request_id"`
}

type eventRecord struct {
	ID      string `json:"generated_uuid"`
	Created any    `json:"created_at"`
	Event   event  `json:"event"`
}

// eventOf is a notification as an event. An entry of the event log is one already.
func (c *call) eventOf(n operations.Notification) (eventRecord, error) {
	r := eventRecord{ID: n.ID, Created: date(n.Created)}
	if n.Type == notification.EventLog {
		var entry struct {
			Event event `json:"event"`
		}
		err := json.Unmarshal(n.Payload, &entry)
		r.Event = entry.Event
		return r, err
	}
	kind := eventTypes[n.Type]
	details := map[string]any{}
	if err := json.Unmarshal(n.Payload, &details); err != nil {
		return r, err
	}
	r.Event = event{kind[0], string(notification.LevelInfo), n.Summary, details, n.Created.UTC().Format("2006-01-02T15:04:05.000000Z"),
		resource{c.system.Account, n.Subject, kind[1]}, source{Service: "tagwatch", Host: "tagwatch"}}
	return r, nil
}

const (
	// eventsPage and mostEvents are how many events a page has, and may have.
	eventsPage, mostEvents = 100, 1000
	// mostPages bounds how far back pages go; GET /api/v1/notifications goes on.
	mostPages = 1000
	// mostListed is how many notifications one page is looked for in.
	mostListed = 20_000
)

type eventFilter struct {
	kind, level, resource, kindOfResource, service, host string
	since, before                                        time.Time
}

func (c *call) eventFilter() (f eventFilter, err error) {
	f = eventFilter{kind: c.parameter("event_type"), level: strings.ToLower(c.parameter("level")), resource: c.parameter("resource_id"), kindOfResource: c.parameter("resource_type"),
		service: c.parameter("source_servicename"), host: c.parameter("source_hostid")}
	if f.level != "" && f.level != string(notification.LevelInfo) && f.level != string(notification.LevelError) {
		return f, invalid("invalid value " + strconv.Quote(f.level) + " for level: expected info or error")
	}
	if _, err := path.Match(f.kind, ""); err != nil {
		return f, invalid("invalid value " + strconv.Quote(f.kind) + " for event_type")
	}
	if f.since, err = c.time("since"); err != nil {
		return f, err
	}
	f.before, err = c.time("before")
	return f, err
}

// time is a parameter as Anchore's clients write times; zero without it.
func (c *call) time(name string) (time.Time, error) {
	text := c.parameter(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, invalid("invalid value " + strconv.Quote(text) + " for " + name + ": expected a time such as 2026-03-01T12:00:00Z")
}

func (f eventFilter) selects(created time.Time, e event) bool {
	named := true
	if f.kind != "" {
		named, _ = path.Match(f.kind, e.Type) // checked before
	}
	return named && (f.before.IsZero() || created.Before(f.before)) && (f.level == "" || f.level == e.Level) && (f.resource == "" || f.resource == e.Resource.ID) &&
		(f.kindOfResource == "" || f.kindOfResource == e.Resource.Kind) && (f.service == "" || f.service == e.Source.Service) && (f.host == "" || f.host == e.Source.Host)
}

// listEvents lists notifications as events, the newest first.
func listEvents(c *call) (any, error) {
	filter, err := c.eventFilter()
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", eventsPage, mostEvents)
	if err != nil {
		return nil, err
	}
	page, err := c.number("page", 1, mostPages)
	if err != nil {
		return nil, err
	}
	found, more, err := c.events(filter, page*limit)
	if err != nil {
		return nil, err
	}
	from := min((page-1)*limit, len(found))
	shown := append([]eventRecord{}, found[from:]...)
	return map[string]any{"results": shown, "next_page": more, "item_count": len(shown), "page": page}, nil
}

// events are up to that many events, and whether there are more.
func (c *call) events(filter eventFilter, limit int) (found []eventRecord, more bool, err error) {
	request := operations.NotificationsRequest{Newest: true, Page: operations.Page{Limit: operations.MostPage}}
	for read := 0; ; read += operations.MostPage {
		if read >= mostListed {
			return nil, false, invalid("this page is too far back; narrow it with before, or read GET /api/v1/notifications")
		}
		list, err := operations.ListNotifications.Run(c, c.system, request)
		if err != nil {
			return nil, false, err
		}
		for _, n := range list.Notifications {
			if n.Created.Before(filter.since) {
				continue
			}
			r, err := c.eventOf(n)
			if err != nil {
				return nil, false, err
			}
			if !filter.selects(n.Created, r.Event) {
				continue
			}
			if len(found) == limit {
				return found, true, nil
			}
			found = append(found, r)
		}
		if !list.More {
			return found, false, nil
		}
		request.After = list.Next
	}
}

// getEvent is the notification of an id.
func getEvent(c *call) (any, error) {
	id := c.r.PathValue("id")
	found, err := operations.ShowNotification.Run(c, c.system, operations.NotificationRequest{ID: id})
	if err != nil {
		return nil, err
	}
	return c.eventOf(found)
}
