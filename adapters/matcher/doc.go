// Package matcher finds vulnerabilities of packages with grype.
//
// It splits an image's SBOM into groups of packages that are matched on their own
// ([Groups]), matches groups against a build of the vulnerability data
// ([Matcher.Match]) exactly as grype's command line would match the whole image,
// and digests a build so that two of them can be compared by name
// ([Matcher.Digest]).
//
// A build is a directory with a database of grype's schema 6, which never
// changes. While a [Database] is open, a shared lock on the file "in-use" beside
// the database keeps it from being removed.
package matcher
