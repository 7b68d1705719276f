package anchore

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/operations"
)

// dbVersion is what clients show as the version of the database.
const dbVersion = "1"

// serverStatus is the status of the server that answers: that it does, and its database.
func (s service) serverStatus(*call) (any, error) { return s.detail(true, "available"), nil }

func (s service) detail(up bool, message string) map[string]any {
	return map[string]any{"available": up, "busy": false, "up": up, "message": message, "version": s.Version, "db_version": dbVersion, "detail": map[string]any{}}
}

// system reports what Tagwatch consists of under the names of Anchore's services, for
// which clients wait.
func (s service) system(c *call) (any, error) {
	service, err := operations.ShowService.Run(c, c.system, operations.ServiceRequest{})
	if err != nil {
		return nil, err
	}
	states := []any{}
	for _, part := range []struct {
		name, message string
		up            bool
	}{
		{"apiext", "", true},
		{"catalog", "", true}, // the database, which has answered
		{"simplequeue", "Temporal is not reachable", service.Temporal},
		{"analyzer", "no worker is running", service.Workers},
		{"policy_engine", "no worker is running", service.Workers},
	} {
		message := "available"
		if !part.up {
			message = part.message
		}
		states = append(states, map[string]any{"hostid": "tagwatch", "servicename": part.name, "base_url": "http://" + c.r.Host, "status": part.up,
			"status_message": message, "version": s.Version,
			"service_detail": s.detail(part.up, message)})
	}
	return map[string]any{"service_states": states}, nil
}

// feedName is the only feed.
const feedName = "vulnerabilities"

// feeds shows the providers of the vulnerability data as groups of one feed.
func feeds(c *call) (any, error) {
	feed, err := operations.ShowFeed.Run(c, c.system, operations.FeedRequest{})
	if err != nil {
		return nil, err
	}
	groups, built := []any{}, time.Time{}
	if feed.Current != nil {
		built = feed.Current.Built
		for _, p := range feed.Current.Providers {
			groups = append(groups, map[string]any{"name": p.Name, "created_at": date(p.Captured), "last_sync": date(p.Captured), "record_count": p.Records, "enabled": true})
		}
	}
	return []any{map[string]any{"name": feedName, "created_at": date(built), "updated_at": date(feed.Checked), "enabled": true,
		"last_full_sync": date(built), "groups": groups}}, nil
}

// syncFeeds fetches new data, and reports on it as on one feed whose groups are the
// providers.
func syncFeeds(c *call) (any, error) {
	if c.flag("flush", false) {
		f := instead("vulnerability data is replaced as a whole; leave out flush")
		return nil, &f
	}
	before, err := operations.ShowFeed.Run(c, c.system, operations.FeedRequest{})
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	task, err := operations.SyncFeed.Run(c, c.system, operations.FeedChange{})
	if err != nil {
		return nil, err
	}
	if task, err = c.follow(task, nil); err != nil {
		return nil, err
	}
	after, err := operations.ShowFeed.Run(c, c.system, operations.FeedRequest{})
	if err != nil {
		return nil, err
	}
	status, seconds, groups := syncStatus(task), time.Since(begun).Seconds(), []any{}
	if after.Current != nil {
		same := before.Current != nil && before.Current.Checksum == after.Current.Checksum
		for _, p := range after.Current.Providers {
			updated := p.Records
			if same {
				updated = 0
			}
			groups = append(groups, map[string]any{"group": p.Name, "status": status, "updated_record_count": updated, "total_time_seconds": seconds})
		}
	}
	return []any{map[string]any{"feed": feedName, "status": status, "total_time_seconds": seconds, "groups": groups}}, nil
}

// syncStatus is success if the latest data is used, as in Anchore; Tagwatch may also keep it
// on hold, or need longer than clients wait.
func syncStatus(task operations.Task) string {
	switch {
	case task.Result == nil || task.Result.Synchronization == nil:
		return "in_progress"
	case len(task.Result.Synchronization.Held) > 0:
		return "held"
	}
	return "success"
}

// testWebhook sends a sample to the endpoint of that name: those that are imported from
// Anchore's configuration have the names of its webhooks.
func testWebhook(c *call) (any, error) {
	tested, err := operations.TestEndpoint.Run(c, c.system, operations.EndpointSample{Name: c.r.PathValue("type"), Type: notification.Type(c.parameter("notification_type"))})
	if err != nil {
		return nil, err
	}
	if tested.Verdict != delivery.VerdictDelivered {
		return nil, &Fault{Status: http.StatusBadGateway, Text: fmt.Sprintf("endpoint %s did not accept the sample: status %d", tested.Endpoint, tested.Status),
			Hint: "see the response with: tagwatch endpoint test " + tested.Endpoint}
	}
	return map[string]any{"webhook": tested.Endpoint, "notification_type": tested.Type, "status": tested.Status}, nil
}

// errorCodes are the kinds of errors, as they stand in error_codes of an error.
func errorCodes(*call) (any, error) {
	codes := []any{}
	for _, each := range []struct {
		name        string
		description string
	}{
		{errkind.Name(errkind.NotFound), "it does not exist, or not for this token"},
		{errkind.Name(errkind.Unauthorized), "the token is missing or wrong"},
		{Forbidden, "the token's scope or its limits do not include this"},
		{errkind.Name(errkind.Invalid), "the request is invalid"},
		{errkind.Name(errkind.Conflict), "the state does not allow it"},
		{errkind.Name(errkind.Limit), "too many requests, or too large a one"},
		{errkind.Name(errkind.Unavailable), "the database, Temporal or a worker does not respond"},
	} {
		codes = append(codes, map[string]any{"name": each.name, "description": each.description})
	}
	return codes, nil
}
