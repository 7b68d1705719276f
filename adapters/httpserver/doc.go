// Package httpserver is how every listener of a worker is served: within limits of
// time, size and connections, and on this machine only to who asks for it by its
// own name.
package httpserver
