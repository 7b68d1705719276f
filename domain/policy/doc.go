// Package policy evaluates images with Anchore's policy bundles: it parses and
// validates bundles, selects the policies and whitelists of a tag by the mappings,
// runs the rules through their gates, and returns the final action with the rows
// and problems behind it. Everything in it is pure: the outcome depends on the
// bundle, the image's content and findings, the reference and the time.
//
// # States of a bundle
//
//	document ──Parse, Valid──> stored ──activate──> active ──another is activated──> stored
//	    │                        │                    │
//	    │ errors                 │ delete             │ new content: stays active
//	    ↓                        ↓                    ↓
//	 refused                  deleted               active
//
// At most one bundle is active. The active one cannot be deleted. Contents are kept
// by their hash while the state of a tag refers to them, so an evaluation can be
// explained after its bundle was replaced.
//
// A bundle that was valid when it was stored may be invalid for a later version. It is
// evaluated anyway: what cannot be decided is a problem, and the final action is stop.
//
// # What a crash leaves behind
//
//   - Before the bundle is stored: nothing.
//   - After new content of the active bundle is stored, or a bundle is activated, each
//     in one transaction: tags whose recorded evaluation has another hash. The workflow
//     that evaluates them continues from its last page; if it is lost, the resync of
//     each tag compares the hashes.
//   - While one tag is evaluated: nothing. Its state, notifications and deliveries are
//     recorded in one transaction, and only if its state has not changed meanwhile.
package policy
