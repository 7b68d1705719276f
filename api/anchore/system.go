package anchore

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
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
	return []any{map[string]any{"name": "vulnerabilities", "created_at": date(built), "updated_at": date(feed.Checked), "enabled": true,
		"last_full_sync": date(built), "groups": groups}}, nil
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
