package notification

import "strings"

// Suppression is a decision not to notify: of a change, of a part of it, or one
// endpoint of it.
type Suppression struct {
	Type Type `json:"type"`
	// Endpoint is the one that is not notified; empty for all.
	Endpoint string `json:"endpoint,omitempty"`
	Reason   Reason `json:"reason"`
	// Detail says what is left out, in words.
	Detail string `json:"detail,omitempty"`
}

// Reason is why something is not notified.
type Reason string

// The reasons, in the order in which a change meets them.
const (
	Unchanged        Reason = "nothing changed"
	Undetermined     Reason = "no result to compare with"
	FirstObservation Reason = "first observation"

	TagGone     Reason = "tag removed from the repository"
	TagKnown    Reason = "tag existed before"
	NotSelected Reason = "tag not selected by the filter"

	BelowSeverity Reason = "below the minimum severity"
	NotFixable    Reason = "no fix available"
	Filtered      Reason = "does not match the filter"
	BelowEPSS     Reason = "EPSS did not cross the threshold"
	SameStatus    Reason = "policy status unchanged"
	NotSubscribed Reason = "no active subscription of this type"
	OtherCause    Reason = "cause not requested"
	Summarized    Reason = "part of the scanner summary"

	NoEndpoint       Reason = "no endpoint configured"
	EndpointMissing  Reason = "endpoint does not exist"
	OtherEndpoints   Reason = "subscription names other endpoints"
	ExplicitOnly     Reason = "endpoint takes explicit subscriptions only"
	OtherType        Reason = "endpoint does not receive this type"
	OtherLabels      Reason = "label outside the endpoint's scope"
	OtherSubject     Reason = "subject outside the endpoint's scope"
	EndpointDisabled Reason = "endpoint disabled"
	EndpointFailing  Reason = "endpoint failing"

	DebounceWindow   Reason = "held for the debounce window"
	Debounced        Reason = "changes cancelled out"
	DeliveryPending  Reason = "not delivered yet"
	DeliveryRefused  Reason = "refused by the receiver"
	DeliveryExpired  Reason = "retry window over"
	DeliveryCanceled Reason = "endpoint deleted before delivery"
)

// remedies say what to do to be notified. REF, TYPE and NAME stand for the tag, the
// notification type and the endpoint. Reasons without one need none.
var remedies = map[Reason]string{
	FirstObservation: "none needed: later changes are notified",
	Undetermined:     "see the tag's problem: tagwatch status REF",
	TagGone:          "event_log has it: tagwatch endpoint add NAME URL --type event_log",
	NotSelected:      "change the filter: tagwatch repository update REF",
	BelowSeverity:    "subscribe again with a lower --min-severity",
	NotFixable:       "subscribe again with --fixable-only=false",
	Filtered:         "change the filter: --when",
	BelowEPSS:        "subscribe again with another --epss, or compare epss in --when",
	SameStatus:       "subscribe again with --every-action",
	NotSubscribed:    "tagwatch subscribe REF --type TYPE",
	OtherCause:       "subscribe again with this --cause",
	Summarized:       "subscribe again with --cause scanner to be notified of each tag",
	NoEndpoint:       "tagwatch endpoint add NAME URL",
	EndpointMissing:  "tagwatch endpoint add NAME URL",
	OtherEndpoints:   "subscribe again with --endpoint NAME",
	ExplicitOnly:     "subscribe again with --endpoint NAME",
	OtherType:        "replace the endpoint, with this --type: tagwatch endpoint add NAME URL --replace",
	OtherLabels:      "subscribe again with this --label",
	OtherSubject:     "replace the endpoint, with a --subject that matches: tagwatch endpoint add NAME URL --replace",
	EndpointDisabled: "tagwatch endpoint enable NAME",
	EndpointFailing:  "repair the receiver, then: tagwatch endpoint test NAME",
	Debounced:        "replace the endpoint, without --debounce: tagwatch endpoint add NAME URL --replace",
	DeliveryPending:  "tagwatch deliveries --pending --endpoint NAME",
	DeliveryRefused:  "repair the receiver, then: tagwatch redeliver --failed",
	DeliveryExpired:  "repair the receiver, then: tagwatch redeliver --failed",
}

// Remedy says what to do so that such a change of the subject is notified; "" where
// nothing is to be done.
func (s Suppression) Remedy(subject string) string {
	if s.Reason == NotSubscribed && s.Type == RepoUpdate {
		return "tagwatch repository watch " + subject
	}
	names := []string{"REF", subject, "TYPE", string(s.Type)}
	if s.Endpoint != "" {
		names = append(names, "NAME", s.Endpoint)
	}
	return strings.NewReplacer(names...).Replace(remedies[s.Reason])
}

// Differs reports whether something was left out that a receiver could miss: that is
// worth keeping.
func (s Suppression) Differs() bool { return s.Reason != Unchanged && s.Reason != Undetermined }

// Suppress is a decision that concerns all endpoints. Of the names of what is left
// out, the first ones become the detail.
func Suppress(t Type, reason Reason, names ...string) Suppression {
	return Suppression{Type: t, Reason: reason, Detail: strings.TrimPrefix(named(names), ": ")}
}
