package lab

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Kind tells requests to a registry apart by what they are about.
type Kind string

// The kinds of request of the OCI distribution specification.
const (
	KindPing      Kind = "ping"
	KindManifest  Kind = "manifest"
	KindBlob      Kind = "blob"
	KindTags      Kind = "tags"
	KindReferrers Kind = "referrers"
	KindOther     Kind = "other"
)

// Call is one request that reached a [Registry], whatever it was answered.
type Call struct {
	Method     string
	Kind       Kind
	Repository string
	Reference  string // the tag or digest, where the request names one
	At         time.Time
}

// Calls returns the requests so far, in order of arrival.
func (r *Registry) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// Count returns how many requests equal want in the fields that want sets:
// Count(Call{Kind: KindBlob}) counts all requests for blobs.
func (r *Registry) Count(want Call) int {
	n := 0
	for _, call := range r.Calls() {
		if call.is(want) {
			n++
		}
	}
	return n
}

// Forget drops the counted requests, so that counting starts anew.
func (r *Registry) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}

func (c Call) is(want Call) bool {
	return (want.Method == "" || want.Method == c.Method) &&
		(want.Kind == "" || want.Kind == c.Kind) &&
		(want.Repository == "" || want.Repository == c.Repository) &&
		(want.Reference == "" || want.Reference == c.Reference)
}

func (r *Registry) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		call := parseCall(req.Method, req.URL.Path)
		call.At = time.Now()
		r.calls = append(r.calls, call)
		r.mu.Unlock()
		next.ServeHTTP(w, req)
	})
}

// parseCall reads a path such as /v2/<repository>/manifests/<reference>. The
// repository may have any number of parts, so the path is read from its end.
func parseCall(method, path string) Call {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) == 1 && parts[0] == "v2" {
		return Call{Method: method, Kind: KindPing}
	}
	if len(parts) < 4 {
		return Call{Method: method, Kind: KindOther}
	}
	call := Call{
		Method:     method,
		Repository: strings.Join(parts[1:len(parts)-2], "/"),
		Reference:  parts[len(parts)-1],
	}
	switch parts[len(parts)-2] {
	case "manifests":
		call.Kind = KindManifest
	case "blobs":
		call.Kind = KindBlob
	case "tags":
		call.Kind, call.Reference = KindTags, ""
	case "referrers":
		call.Kind = KindReferrers
	default:
		return Call{Method: method, Kind: KindOther}
	}
	return call
}

func hashOf(content []byte) (v1.Hash, error) {
	hash, _, err := v1.SHA256(bytes.NewReader(content))
	return hash, err
}
