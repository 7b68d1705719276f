// Package subscription holds who is notified of what: the subscriptions of tags, and
// the endpoints that a notification goes to.
package subscription

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Subscription asks to be notified of one type of transition of one tag.
type Subscription struct {
	Target  image.Target
	Type    notification.Type
	Active  bool
	Options Options
	// Repository is the watched repository that brought the subscription; the
	// zero value for one that a person made.
	Repository image.Repository
	// Source is the name of the source that brought the subscription; empty for one that
	// a person or a watched repository made.
	Source  string
	Created time.Time
	Updated time.Time
}

// Options narrow a subscription. The zero value asks for everything.
type Options struct {
	// Endpoints are the names of the endpoints to tell; none means every
	// endpoint that is not reserved for the subscriptions that name it.
	Endpoints []string `json:"endpoints,omitempty"`
	// Causes are the causes of interest; none means all.
	Causes []notification.Cause `json:"causes,omitempty"`
	// MinSeverity drops changes of vulnerabilities below it from vuln_update.
	MinSeverity vuln.Severity `json:"min_severity,omitempty"`
	// FixableOnly drops changes of vulnerabilities without a fix from vuln_update.
	FixableOnly bool `json:"fixable_only,omitempty"`
	// When is an expression that notifications and findings have to match, as package
	// filter reads it; MinSeverity and FixableOnly are short forms of such a one.
	When string `json:"when,omitempty"`
	// ExploitedFiltered applies the filter also to what has become known to be
	// exploited, which is let through otherwise whatever its severity, score or fix.
	ExploitedFiltered bool `json:"exploited_filtered,omitempty"`
	// EPSS also asks for a vuln_update when the probability that a vulnerability
	// is exploited crosses this one, between 0 and 1; 0 does not ask.
	EPSS float64 `json:"epss,omitempty"`
	// EveryAction asks for policy_eval at each change of the final action, also
	// between go and warn, which are both a pass.
	EveryAction bool `json:"every_action,omitempty"`
	// Labels are what endpoints may ask for.
	Labels map[string]string `json:"labels,omitempty"`
	// Pin is the digest that the tag was to point to, as name:tag@digest has it; ""
	// for any.
	Pin image.Digest `json:"pin,omitempty"`
	// Dockerfile is the text that the tag's images were built from. Policies
	// judge it in place of the one that an image's history suggests.
	Dockerfile string `json:"dockerfile,omitempty"`
}

// WithoutDockerfile has, for lists of what was changed, the size and hash of the
// Dockerfile in its place: its text may be long, and hold secrets.
func (o Options) WithoutDockerfile() Options {
	if o.Dockerfile != "" {
		o.Dockerfile = fmt.Sprintf("%d bytes, sha256:%x", len(o.Dockerfile), sha256.Sum256([]byte(o.Dockerfile)))
	}
	return o
}

// ID is Anchore's subscription_id.
func (s Subscription) ID(account string) string { return ID(account, s.Target.String(), s.Type) }

// ID is Anchore's subscription_id of a key, which is a tag or a repository: the
// hexadecimal MD5 of account, key and type, joined by plus signs.
func ID(account, key string, t notification.Type) string {
	sum := md5.Sum([]byte(account + "+" + key + "+" + string(t)))
	return hex.EncodeToString(sum[:])
}

// Dockerfile is the one that a tag's images were built from, as its active subscriptions
// say; "" if none does.
func Dockerfile(active []Subscription) (text string) {
	for _, s := range active {
		text = cmp.Or(s.Options.Dockerfile, text)
	}
	return text
}

// Wants reports whether the options let a notification of that cause through.
func (o Options) Wants(cause notification.Cause) bool {
	return len(o.Causes) == 0 || slices.Contains(o.Causes, cause)
}
