// Package feed makes small vulnerability databases and serves them as grype's
// publisher does.
//
// [Build] writes what a few [Vulnerability] values say into the records that the
// real providers publish, and has grype's own builder make a database of model 6
// from them. [Feed] serves a database behind the listing /v6/latest.json, honestly
// or with one of the lies a client must not fall for.
package feed
