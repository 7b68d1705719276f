package vuln

import (
	"fmt"
	"time"
)

// withdrawalPeriod is how long a publisher has to list the former build again
// before it is taken. Caches and mirrors that lag behind do so for minutes or
// hours; taking their word would report vulnerabilities as gone and new again.
const withdrawalPeriod = 6 * time.Hour

// Withdrawal judges a publisher that lists the build before the current one
// again, since a given time: it takes the current one back, or what answers is a
// stale copy of its listing, or somebody replays it. The reason holds the former
// build; due reports that it has been listed for long enough to be taken.
//
// Taking it is safe. It was verified and in use before, it is never more than one
// build back, as nothing comes before it then, and whoever could replay its
// listing could as well have concealed the current one: either way the age of the
// data in use goes on being judged by its own dates.
func Withdrawal(current, former Description, since, now time.Time) (reason HoldReason, due bool) {
	taken := since.Add(withdrawalPeriod)
	return HoldReason{Kind: HoldWithdrawn, Text: fmt.Sprintf(
		"the publisher went back from the current data of %s to the former of %s: it is used from %s on if the publisher still lists it then",
		instant(current.Built), instant(former.Built), instant(taken))}, !now.Before(taken)
}
