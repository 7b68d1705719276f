// Package httpserver serves every listener of a worker: within limits of time, size
// and connections, and on loopback only requests for one of this machine's own
// names.
package httpserver
