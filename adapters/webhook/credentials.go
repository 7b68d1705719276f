package webhook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/endpoint"
)

// credentials are an endpoint's secrets during one attempt.
type credentials struct {
	url      string // may itself be a secret
	password string
	token    string
	headers  map[string]string
	signing  [][]byte
	hidden   []string // texts that must not be shown
}

// readCredentials resolves everything that the endpoint names by reference.
func (s *Sender) readCredentials(e endpoint.Endpoint) (credentials, error) {
	r := secretReader{endpoint: e.Name, resolve: s.secrets}
	r.url, r.headers = e.URL, map[string]string{}
	if ref := endpoint.SecretRef(e.URL); ref.IsRef() {
		r.url = r.text(ref)
	}
	if r.password = r.text(e.Password); r.password != "" {
		r.hide(basic(e.User, r.password))
	}
	r.token = r.header(e.Token)
	for _, name := range slices.Sorted(maps.Keys(e.HeaderRefs)) {
		r.headers[name] = r.header(e.HeaderRefs[name])
	}
	for _, ref := range e.Signing {
		r.signing = append(r.signing, r.key(ref))
	}
	return r.credentials, r.err
}

// secretReader reads secrets until the first that cannot be read.
type secretReader struct {
	credentials
	endpoint string
	resolve  func(endpoint.SecretRef) (string, error)
	err      error
}

func (r *secretReader) fail(ref endpoint.SecretRef, err error) {
	r.err = fmt.Errorf("endpoint %s: secret %s: %w", r.endpoint, ref, err)
}

// text is the secret itself; "" without a reference.
func (r *secretReader) text(ref endpoint.SecretRef) string {
	if ref == "" || r.err != nil {
		return ""
	}
	value, err := r.resolve(ref)
	if err != nil {
		r.fail(ref, err)
		return ""
	}
	r.hide(value)
	return value
}

// header is a secret that is sent in a header.
func (r *secretReader) header(ref endpoint.SecretRef) string {
	value := r.text(ref)
	if strings.ContainsAny(value, "\r\n\x00") {
		r.fail(ref, errors.New("it has several lines, which a header cannot carry"))
	}
	return value
}

// key is a signing key.
func (r *secretReader) key(ref endpoint.SecretRef) []byte {
	secret := r.text(ref)
	if r.err != nil {
		return nil
	}
	key, err := signingKey(secret)
	if err != nil {
		r.fail(ref, err)
	}
	return key
}
