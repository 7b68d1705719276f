// Package feed makes small vulnerability databases and serves them as grype's
// publisher does.
//
// [Build] converts a few [Vulnerability] values into the records that the real
// providers publish, and makes a database of model 6 from them with grype's own
// builder. [Feed] serves a database with the listing /v6/latest.json, honestly or
// with a lie that clients must detect.
package feed
