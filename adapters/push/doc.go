// Package push receives the notifications of registries about pushed and deleted
// tags. Each kind of registry has its own body and its own way to prove its
// identity; the result is a list of repositories and tags.
//
// Nothing else in a body is trusted: it only says what to check. No address in it is
// called. A secret is compared in constant time and never appears in an answer, an
// error or a log, nor does the query of a request, which holds the secrets of
// services that cannot send a header.
package push
