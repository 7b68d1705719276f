package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
)

// ListAudit lists what people and programs changed, the newest first. A caller with bounds
// sees the changes of tags and repositories within them.
var ListAudit = Operation[AuditRequest, AuditList]{Name: "list-audit", Summary: "List what people and programs changed, the newest first",
	Method: http.MethodGet, Path: "/audit", Scope: token.Read, do: listAudit}

// AuditRequest selects changes.
type AuditRequest struct {
	Since   time.Time `query:"since" doc:"Only those made then or later."`
	Who     string    `query:"who" maxLength:"255" doc:"Only by the token or the system's user of this name."`
	Subject string    `query:"subject" maxLength:"600" doc:"Only of this tag, repository, endpoint, policy, vulnerability, source or token; * stands for any characters." example:"ghcr.io/web/*"`
	Page
}

// AuditList is a page of changes.
type AuditList struct {
	Changes []Change `json:"changes"`
	Next    string   `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Change is what somebody changed.
type Change struct {
	ID      int64        `json:"id"`
	At      time.Time    `json:"at"`
	Who     string       `json:"who"`
	Via     audit.Via    `json:"via"`
	Action  audit.Action `json:"action"`
	Subject string       `json:"subject"`
	// Before and After are the fields that the change concerns, without secrets; null
	// where the subject did not exist.
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

func listAudit(ctx context.Context, s *System, request AuditRequest) (AuditList, error) {
	list := AuditList{Changes: []Change{}}
	limit, err := request.limit()
	if err != nil {
		return list, err
	}
	filter := audit.Filter{Since: request.Since, Who: request.Who, Limit: min(limit+1, readAtOnce)}
	if filter.Before, err = request.number(); err != nil {
		return list, err
	}
	if exact(request.Subject) {
		filter.Subject = request.Subject
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return list, err
	}
	for read := 0; read < mostRead; read += filter.Limit {
		found, err := kept.Audit(ctx, filter)
		if err != nil {
			return list, err
		}
		for _, e := range found {
			if len(list.Changes) == limit {
				list.Next = strconv.FormatInt(filter.Before, 10)
				return list, nil
			}
			filter.Before = e.ID
			if s.auditable(e) && (request.Subject == "" || image.SubjectMatches(request.Subject, e.Subject)) {
				list.Changes = append(list.Changes, Change{e.ID, e.At, e.Actor.Name, e.Actor.Via, e.Action, e.Subject, e.Before, e.After})
			}
		}
		if len(found) < filter.Limit {
			return list, nil
		}
	}
	list.Next = strconv.FormatInt(filter.Before, 10)
	return list, nil
}

// exact reports that a subject selects itself only, on any platform: it is no pattern,
// and no repository, which selects its tags.
func exact(subject string) bool {
	if strings.Contains(subject, "*") {
		return false
	}
	return !strings.Contains(subject, "/") || strings.LastIndex(subject, ":") > strings.LastIndex(subject, "/")
}

func (s *System) auditable(e audit.Entry) bool {
	return s.Bounds.Whole() || e.Action.AboutTags() && s.Bounds.IncludeSubject(e.Subject)
}
