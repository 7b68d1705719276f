// Package watcher holds the kinds of the long-running workflows, the reasons for which
// they are woken, and the comparison of those that run with those that should.
package watcher

import "slices"

// WakeReason is why a workflow is woken before its time.
type WakeReason string

// The reasons. A workflow looks up in the store what there is to do: a wake-up too
// many does no harm.
const (
	WakeManual       WakeReason = "manual"       // a person asks
	WakeRescan       WakeReason = "rescan"       // a person asks to repeat every step
	WakePoll         WakeReason = "poll"         // the poll of a registry saw another digest
	WakePush         WakeReason = "push"         // a registry announced a push
	WakeSubscription WakeReason = "subscription" // subscriptions changed
	WakeSettings     WakeReason = "settings"     // an endpoint, a source or a watched repository changed
	WakeChange       WakeReason = "change"       // a source announced a change, or a folder of documents has one
	WakeDelivery     WakeReason = "delivery"     // new deliveries are pending
	WakeAnalysis     WakeReason = "analysis"     // the analysis of the image is another
	WakeOutdated     WakeReason = "outdated"     // the tag needs more than an evaluation
	WakeData         WakeReason = "data"         // evaluated with new vulnerability data
	WakePolicy       WakeReason = "policy"       // evaluated with another policy bundle
	WakeMissing      WakeReason = "missing"      // the workflow should run and did not, or the other way round
	WakeAttributes   WakeReason = "attributes"   // search attributes are missing
)

// Wake is the argument of a wake-up.
type Wake struct {
	Reason WakeReason
}

// Urgent reports that the wake-up does not wait for a pause between two polls.
func (r WakeReason) Urgent() bool {
	return r == "" || slices.Contains([]WakeReason{WakeManual, WakeRescan, WakePush}, r)
}
