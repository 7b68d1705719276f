// Package vuln holds findings, the vulnerabilities that were matched to packages,
// the difference between two lists of them, and the judgement of the data builds
// that they come from.
//
// # States of a data build
//
//	listed ──fetch, verify──> fetched ──judge: no objection──> accepted ──advance──> current
//	                             │                               ↑  ↑                  │
//	                             │ judge: reasons                │  │                  │ the next build
//	                             ↓                               │  │                  ↓
//	                          on hold ──released, or judged──────┘  │               previous ──> removed
//	                             │      again without objection     │                  │
//	                             │                                  └──────────────────┘
//	                             │ the publisher lists                rollback, or the publisher
//	                             ↓ another build                      withdrew the current build
//	                         forgotten
//
// Exactly one build is current. A rollback leaves the build it goes back from
// rejected: only an import brings it back. A withdrawal leaves it withdrawn: it
// returns when the publisher lists it again.
//
// # What a crash leaves behind
//
//   - While a build is fetched: a temporary folder on that worker's disk, which the
//     next clean-up removes. Nothing is recorded.
//   - After it was judged: a row with the decision. The next synchronization judges
//     it again and comes to the same.
//   - While packages are matched: staged findings of that build and that matcher.
//     The current findings are untouched, and the next attempt matches the rest.
//   - The advance is one transaction: the staged findings become current together
//     with the build, and the changed packages are noted with them. Before it,
//     nothing has changed; after it, everything has.
//   - Before all touched tags are evaluated: the step goes on from its last page.
//     Should it never, each tag's resync finds that its data is older.
//   - A hold or a condition that was recorded and not notified: its notification has
//     an id made of what it is about and since when, so it is sent by the next
//     synchronization, and never twice.
package vuln
