// Package push receives what registries say when something was pushed or
// deleted. Each kind of registry has its own body and its own way to prove who
// it is; what comes out is a list of repositories and tags.
//
// Nothing in a body is believed beyond that: it only says where to look. No
// address in it is called. A secret is compared in constant time and never
// shows in an answer, an error or a log, nor does the query of a request, which
// holds the secrets of services that cannot send a header.
package push
