package polling

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Report reports how a registry would be spoken to and whether it works.
// It holds no secret.
type Report struct {
	// Name is what was checked: a host, or a tag of a repository there.
	Name string `json:"name"`
	// Worker is the machine that checked: its files and credentials count.
	Worker string `json:"worker"`
	// File is the registries file, "" without one, and Section what of it applies.
	File    string `json:"registries_file,omitempty"`
	Section string `json:"section,omitempty"`
	// Refused is why changed settings of the worker are not in force: what was
	// valid before them is. "" while they are.
	Refused string `json:"refused_settings,omitempty"`
	// Problem is why the registry is not to be asked at all.
	Problem string `json:"problem,omitempty"`
	// Places are asked in this order.
	Places []Place `json:"places"`
	// Works reports that nothing is in the way of what the registry is asked for.
	// A mirror that fails is passed over, but not in order.
	Works bool `json:"works"`
}

// Place is one host that is asked for a registry's content: a mirror,
// or the location itself.
type Place struct {
	Host   string `json:"host"`
	Path   string `json:"path,omitempty"`
	Mirror bool   `json:"mirror"`
	// For is what it is asked for: tags, digests, or both.
	For []string `json:"asked_for"`

	URL                string   `json:"url,omitempty"` // with the scheme that it answers on
	Plain              bool     `json:"plain_http_allowed"`
	Unverified         bool     `json:"unverified_certificate_allowed"`
	Authorities        []string `json:"certificate_authorities,omitempty"` // files, beside the system's
	ClientCertificates []string `json:"client_certificates,omitempty"`     // files
	Proxy              string   `json:"proxy,omitempty"`
	// RedirectsTo is another registry that it sends every request to, which then
	// asks for authorization by itself.
	RedirectsTo string `json:"redirects_to,omitempty"`

	Authentication string `json:"authentication,omitempty"` // none, basic or token
	TokenService   string `json:"token_service,omitempty"`
	Credentials    string `json:"credentials,omitempty"` // where they come from; "" for none
	User           string `json:"user,omitempty"`

	Answer Step  `json:"answer"` // to any request
	Login  Step  `json:"login"`
	Tag    *Step `json:"tag,omitempty"`

	Digest    image.Digest `json:"digest,omitempty"` // that the tag points to
	RateLimit RateLimit    `json:"rate_limit"`
	// ClockOffset is how far the registry's clock is ahead of the worker's, in
	// seconds; tokens and certificates depend on it.
	ClockOffset float64 `json:"clock_offset_seconds,omitempty"`
	// CertificateEnds is when the registry's own certificate expires.
	CertificateEnds time.Time `json:"certificate_ends,omitzero"`
}

// Step is one thing that was tried.
type Step struct {
	Done    bool    `json:"done"`
	Seconds float64 `json:"seconds,omitempty"`
	// Problem says what is wrong and what to do; "" where it worked, or was not
	// tried.
	Problem string `json:"problem,omitempty"`
}

// RateLimit is what one worker may ask of a host.
type RateLimit struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	Concurrency       int     `json:"concurrency"`
	// Limit is what the host announced to allow in the window; 0 for nothing.
	// Remaining is what is left of it.
	Limit     int           `json:"limit,omitempty"`
	Remaining int           `json:"remaining,omitempty"`
	Window    time.Duration `json:"window_ns,omitempty"`
	// Closed is why the host is not asked until then; "" while it is.
	Closed string    `json:"closed,omitempty"`
	Until  time.Time `json:"closed_until,omitzero"`
	// Refused is why changed settings of the worker are not in force; "" while
	// they are.
	Refused string `json:"refused_settings,omitempty"`
}

// InOrder reports whether a place does what it is asked for.
func (p Place) InOrder() bool {
	return p.Answer.Done && p.Login.Done && (p.Tag == nil || p.Tag.Done)
}
