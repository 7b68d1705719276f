// Package endpoint holds the settings of endpoints: where notifications are sent,
// which, in what form and at what pace.
package endpoint

import (
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Endpoint is where notifications are sent to. It holds no secret: credentials
// are the names of environment variables or files that the worker reads when it
// sends.
type Endpoint struct {
	Name string `json:"name"`
	// URL may contain <userId> and <notification_type>, which are replaced.
	URL string `json:"url"`
	// Types are the types it receives; none means all but EventLog.
	Types []notification.Type `json:"types,omitempty"`
	Scope
	Pace
	// When is an expression that notifications and findings have to match, as package
	// filter reads it; "" takes all. ExploitedFiltered applies it also to what has
	// become known to be exploited.
	When              string `json:"when,omitempty"`
	ExploitedFiltered bool   `json:"exploited_filtered,omitempty"`
	// ExplicitOnly endpoints receive notifications only of subscriptions that name them.
	ExplicitOnly bool           `json:"explicit_only,omitempty"`
	Format       message.Format `json:"format,omitempty"`
	// MaxBody is how many bytes a body may have: lists are shortened to that. Zero
	// means any number.
	MaxBody int `json:"max_body,omitempty"`
	// Template is the text of a template, for FormatTemplate.
	Template string `json:"template,omitempty"`
	// User and Password are for basic authentication; Token for a bearer token.
	User     string    `json:"user,omitempty"`
	Password SecretRef `json:"password,omitempty"`
	Token    SecretRef `json:"token,omitempty"`
	// Signing are the secrets that sign the body, newest first; two while a
	// secret is being replaced.
	Signing []SecretRef `json:"signing,omitempty"`
	// Headers are sent as they are. Values that are secret belong in HeaderRefs.
	Headers    map[string]string    `json:"headers,omitempty"`
	HeaderRefs map[string]SecretRef `json:"header_refs,omitempty"`
	// Timeout bounds one attempt; zero means DefaultTimeout.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Proxy is the proxy to use: an address, a reference to one, which may
	// hold user and password, or ProxyDirect. Empty means that of the worker.
	Proxy string `json:"proxy,omitempty"`
	// CAFile is a file of PEM certificates to trust beside the system's;
	// CertFile and KeyFile are a client certificate. Paths on the worker.
	CAFile   string `json:"ca_file,omitempty"`
	CertFile string `json:"cert_file,omitempty"`
	KeyFile  string `json:"key_file,omitempty"`

	// Edition is the number of these settings: every change gives them another one.
	Edition int64                  `json:"-"`
	State   delivery.EndpointState `json:"state"`
}

// SecretRef names a secret without holding it: env:NAME or file:/path.
type SecretRef string

// DefaultTimeout bounds one attempt at an endpoint that sets no timeout.
const DefaultTimeout = 10 * time.Second

// Form is the form of the endpoint's bodies.
func (e Endpoint) Form() message.Form {
	return message.Form{Format: e.Format, MaxBody: e.MaxBody, Template: e.Template}
}

// Receives reports whether the endpoint takes notifications of that type.
func (e Endpoint) Receives(t notification.Type) bool {
	if len(e.Types) == 0 {
		return t != notification.EventLog
	}
	return slices.Contains(e.Types, t)
}
