// Package vuln holds findings, which are vulnerabilities matched to packages, the
// difference between two lists of them, and the judgement of data builds.
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
// Exactly one build is current. A rollback rejects the build that was current: only an
// import makes it current again. A build that its publisher withdrew returns when the
// publisher lists it again.
//
// # What a crash leaves behind
//
//   - While a build is fetched: a temporary folder on that worker's disk, which the next
//     clean-up removes. Nothing is recorded.
//   - After it was judged: a row with the decision. The next synchronization judges it
//     again, with the same result.
//   - While packages are matched: staged findings of that build and that matcher. The
//     current findings are untouched, and the next attempt matches the rest.
//   - The advance is one transaction: the staged findings become current together with
//     the build, and the changed packages are recorded.
//   - Before all touched tags are evaluated: the step continues from its last page. If it
//     is lost, the resync of each tag finds that its data is older.
//   - After a hold or a condition was recorded, before its notification: the next
//     synchronization sends it. Its id is made of its subject and its start, so it is
//     never sent twice.
package vuln
