package operations

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// EndpointSettings are all settings of an endpoint.
type EndpointSettings struct {
	Name  string              `json:"name" minLength:"1" maxLength:"63" doc:"Name of the endpoint." example:"ops"`
	URL   string              `json:"url" maxLength:"4000" doc:"Where to send to. <userId> and <notification_type> are replaced. If it is a secret: env:NAME or file:/path, of the workers." example:"https://receiver.example.com/hook"`
	Types []notification.Type `json:"types,omitempty" maxItems:"20" doc:"Types to send; all but event_log by default."`
	endpoint.Scope
	endpoint.Pace
	When              string                        `json:"when,omitempty" maxLength:"4000" doc:"Expression that notifications and findings have to match." example:"severity >= high"`
	ExploitedFiltered bool                          `json:"exploited_filtered,omitempty" doc:"Apply when also to what has become known to be exploited."`
	ExplicitOnly      bool                          `json:"explicit_only,omitempty" doc:"Send only for subscriptions that name this endpoint."`
	Format            message.Format                `json:"format,omitempty" maxLength:"20" doc:"Format of the body; anchore by default."`
	MaxBody           int                           `json:"max_body,omitempty" minimum:"0" maximum:"2147483647" doc:"Bytes that a body may have; longer lists are shortened."`
	Template          string                        `json:"template,omitempty" maxLength:"262144" doc:"Text of a template, for the format template."`
	User              string                        `json:"user,omitempty" maxLength:"400" doc:"Name for basic authentication."`
	Password          endpoint.SecretRef            `json:"password,omitempty" maxLength:"4000" doc:"Reference to the password: env:NAME or file:/path, of the workers."`
	Token             endpoint.SecretRef            `json:"token,omitempty" maxLength:"4000" doc:"Reference to a bearer token."`
	Signing           []endpoint.SecretRef          `json:"signing,omitempty" maxItems:"5" doc:"References to the secrets that sign the body, newest first."`
	Headers           map[string]string             `json:"headers,omitempty" doc:"Headers that are sent as they are."`
	HeaderRefs        map[string]endpoint.SecretRef `json:"header_refs,omitempty" doc:"References to the values of secret headers."`
	Timeout           time.Duration                 `json:"timeout,omitempty" doc:"Time limit of one attempt, in nanoseconds."`
	Proxy             string                        `json:"proxy,omitempty" maxLength:"4000" doc:"Proxy: an address, a reference to one, or direct for none; that of the workers by default."`
	CAFile            string                        `json:"ca_file,omitempty" maxLength:"4000" doc:"File of the workers with PEM certificates to trust in addition to the system's."`
	CertFile          string                        `json:"cert_file,omitempty" maxLength:"4000" doc:"File of the workers with a client certificate."`
	KeyFile           string                        `json:"key_file,omitempty" maxLength:"4000" doc:"File of the workers with its key."`
}

// endpoint is the endpoint with these settings, if they are valid.
func (e EndpointSettings) endpoint() (endpoint.Endpoint, error) {
	made := endpoint.Endpoint{Name: e.Name, URL: e.URL, Types: e.Types, Scope: e.Scope, Pace: e.Pace, When: e.When, ExploitedFiltered: e.ExploitedFiltered,
		ExplicitOnly: e.ExplicitOnly, Format: e.Format, MaxBody: e.MaxBody, Template: e.Template, User: e.User, Password: e.Password, Token: e.Token,
		Signing: e.Signing, Headers: e.Headers, HeaderRefs: e.HeaderRefs, Timeout: e.Timeout, Proxy: e.Proxy, CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile}
	return made, refused(made.Validate())
}

// SettingsOf are the settings of an endpoint.
func SettingsOf(e endpoint.Endpoint) EndpointSettings {
	return EndpointSettings{Name: e.Name, URL: e.URL, Types: e.Types, Scope: e.Scope, Pace: e.Pace, When: e.When, ExploitedFiltered: e.ExploitedFiltered,
		ExplicitOnly: e.ExplicitOnly, Format: e.Format, MaxBody: e.MaxBody, Template: e.Template, User: e.User, Password: e.Password, Token: e.Token,
		Signing: e.Signing, Headers: e.Headers, HeaderRefs: e.HeaderRefs, Timeout: e.Timeout, Proxy: e.Proxy, CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile}
}

// unmatched says which patterns match no watched tag: often the registry was forgotten.
func unmatched[Pattern ~string](ctx context.Context, kept *store.Store, patterns []Pattern) (warnings []string, err error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	watched, err := kept.Targets(ctx, subscription.TargetFilter{})
	if err != nil {
		return nil, err
	}
	for _, each := range patterns {
		pattern := string(each)
		matches := slices.ContainsFunc(watched, func(t image.Target) bool { return image.SubjectMatches(pattern, t.Reference.String()) })
		switch registry, _, _ := strings.Cut(pattern, "/"); {
		case matches:
		case !strings.ContainsAny(registry, ".:*") && registry != "localhost":
			warnings = append(warnings, "The subject pattern "+pattern+" matches no watched tag; the registry is part of it, as in docker.io/"+pattern)
		case len(watched) > 0:
			warnings = append(warnings, "The subject pattern "+pattern+" matches no watched tag now")
		}
	}
	return warnings, nil
}
