// Package notification builds notifications: the payload and the cause of each type.
// Everything in it is pure; it neither stores nor sends.
package notification

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Type is the type of a notification, in Anchore's words.
type Type string

// The notification types.
const (
	AnalysisUpdate Type = "analysis_update"
	TagUpdate      Type = "tag_update"
	VulnUpdate     Type = "vuln_update"
	PolicyEval     Type = "policy_eval"
	RepoUpdate     Type = "repo_update"
	// RuntimeUpdate reports that a workload of a source starts to run another image.
	RuntimeUpdate Type = "runtime_update"
	// EventLog reports events of Tagwatch itself: a tag that cannot be resolved,
	// vulnerability data that is on hold, an endpoint that fails. Only endpoints that
	// name it receive it.
	EventLog Type = "event_log"
)

// DefaultTypes are the types that a tag is subscribed to unless somebody chooses others.
var DefaultTypes = []Type{AnalysisUpdate, TagUpdate, VulnUpdate, PolicyEval}

// TagTypes are the types that a tag can be subscribed to.
var TagTypes = append(slices.Clone(DefaultTypes), RuntimeUpdate)

// Types are all notification types.
var Types = append(slices.Clone(TagTypes), RepoUpdate, EventLog)

// ParseType accepts the name of one of the Types.
func ParseType(text string) (Type, error) {
	if t := Type(text); slices.Contains(Types, t) {
		return t, nil
	}
	return "", fmt.Errorf("unknown notification type %q; the types are %s: %w", text, wording.List(Types), errkind.Invalid)
}

// Cause is why a transition happened.
type Cause string

// The causes.
const (
	CauseImage   Cause = "image"   // the tag points to another image
	CauseFeed    Cause = "feed"    // new vulnerability data
	CausePolicy  Cause = "policy"  // another bundle: a policy, a whitelist or a mapping changed
	CauseTime    Cause = "time"    // a time-dependent rule, whitelist item or acceptance
	CauseScanner Cause = "scanner" // a new version of what analyzes or matches
	// CauseAcceptance is that somebody accepted a risk, or revoked that.
	CauseAcceptance Cause = "acceptance"
)

// Causes are all causes.
var Causes = []Cause{CauseImage, CauseFeed, CausePolicy, CauseTime, CauseScanner, CauseAcceptance}

// Notification is one transition, for its subscribers.
type Notification struct {
	// ID never changes, over retries and endpoints; receivers drop repeats by it.
	ID      string
	Type    Type
	Subject string // the subscription key: registry/repository:tag, or registry/repository
	Cause   Cause
	Created time.Time
	// Payload is the notification_payload of Anchore's body, with our additions.
	Payload json.RawMessage
	// Summary is one line for people.
	Summary string
	// Trace is the span that found it, in the format of
	// https://www.w3.org/TR/trace-context/; empty without tracing.
	Trace string
}

// ID derives a notification's id from what makes it unique, so that a repeated
// decision has the same one.
func ID(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join(parts, "\n"))).String()
}
