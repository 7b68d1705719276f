package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/filter"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// MaxTimeout is the longest time that one attempt may take.
const MaxTimeout = 5 * time.Minute

const maxSecrets = 5 // that sign one body

var (
	placeholder   = regexp.MustCompile(`<[^<>/]*>`)
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	envPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	headerPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, token
	numberPattern = regexp.MustCompile(`^(0[xX][0-9a-fA-F]*|[0-9]+)$`)
)

// ownHeaders are set by the sender and cannot be chosen.
var ownHeaders = []string{"content-type", "content-length", "host", "connection", "transfer-encoding", "user-agent"}

// Validate reports all problems of the endpoint as one error of kind Invalid.
func (e Endpoint) Validate() error {
	problems := []error{e.validateName(), e.validateURL(), e.validateTypes(), e.validateFormat(), e.validateTimeout(), ValidateProxy(e.Proxy), e.Pace.validate(), e.validateFilter()}
	problems = append(problems, e.Scope.validate()...)
	problems = append(problems, e.validateSecrets()...)
	problems = append(problems, e.validateHeaders()...)
	problems = append(problems, e.validateTLS()...)
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("endpoint %q: %w: %w", e.Name, errkind.Invalid, err)
	}
	return nil
}

func (e Endpoint) validateFilter() error {
	if e.When == "" {
		return nil
	}
	_, err := filter.Compile(e.When)
	return err
}

func (e Endpoint) validateName() error {
	if !namePattern.MatchString(e.Name) {
		return errors.New("the name must have 1 to 63 letters, digits, '.', '_' and '-', and begin with a letter or digit")
	}
	return nil
}

// validateURL accepts a reference too: the addresses of chat services are
// secrets.
func (e Endpoint) validateURL() error {
	if ref := SecretRef(e.URL); ref.IsRef() {
		return ref.Validate()
	}
	u, err := ParseURL(e.URL, "user", notification.TagUpdate)
	if err != nil {
		return err
	}
	return openSecret(u)
}

// ParseURL replaces <userId> and <notification_type> in an endpoint's URL and validates it.
// Its errors do not show the URL, which may be a secret.
func ParseURL(text, account string, t notification.Type) (*url.URL, error) {
	text = strings.NewReplacer("<userId>", url.PathEscape(account), "<notification_type>", url.PathEscape(string(t))).Replace(text)
	if placeholder.MatchString(text) {
		return nil, errors.New("the URL has an unknown placeholder; known ones are <userId> and <notification_type>")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the URL is malformed; write it as in https://receiver.example.com/hook")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the URL must begin with http:// or https://")
	}
	if u.User != nil {
		return nil, errors.New("the URL contains a user or password; set them with --user and --password-env or --password-file")
	}
	return u, validateHost(u.Hostname())
}

// validateHost rejects numbers instead of an address, as in 2130706433 or 0177.0.0.1:
// resolvers disagree about their meaning.
func validateHost(host string) error {
	if host == "" {
		return errors.New("the URL names no host")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if numberPattern.MatchString(labels[len(labels)-1]) {
		return fmt.Errorf("the host %q is a number in an unusual form; write the address as four decimal numbers without leading zeros", host)
	}
	return nil
}

func (e Endpoint) validateTypes() error {
	for _, t := range e.Types {
		if _, err := notification.ParseType(string(t)); err != nil {
			return err
		}
	}
	return nil
}

func (e Endpoint) validateFormat() error {
	if e.Format != "" && !slices.Contains(message.Formats, e.Format) {
		return fmt.Errorf("unknown format %q; the formats are %s", e.Format, wording.List(message.Formats))
	}
	if e.MaxBody != 0 && e.MaxBody < message.LeastMaxBody {
		return fmt.Errorf("the largest body of %d bytes is less than %d, which a body without any list may need", e.MaxBody, message.LeastMaxBody)
	}
	if (e.Format == message.FormatTemplate) != (e.Template != "") {
		return fmt.Errorf("the format %q and a template require each other", message.FormatTemplate)
	}
	if e.Format == message.FormatTemplate {
		return e.tryTemplate()
	}
	return nil
}

// tryTemplate renders a sample of each type, and all of them as a group.
func (e Endpoint) tryTemplate() error {
	var samples []notification.Notification
	for _, t := range notification.Types {
		n, err := notification.Sample(t, "sample", "user", time.Unix(0, 0))
		if err != nil {
			return err
		}
		if _, err := message.Render(e.Form(), n, delivery.Delivery{}, message.Account{}); err != nil {
			return fmt.Errorf("a sample of %s: %w", t, err)
		}
		samples = append(samples, n)
	}
	_, err := message.RenderGroup(e.Form(), message.NewGroup(samples), delivery.Delivery{}, message.Account{})
	return err
}

func (e Endpoint) validateTimeout() error {
	if e.Timeout < 0 || e.Timeout > MaxTimeout {
		return fmt.Errorf("the timeout %s is not between 0 and %s", e.Timeout, MaxTimeout)
	}
	return nil
}

func (e Endpoint) validateSecrets() []error {
	var problems []error
	if e.Token != "" && (e.User != "" || e.Password != "") {
		problems = append(problems, errors.New("a token and a user or password exclude each other"))
	}
	if len(e.Signing) > maxSecrets {
		problems = append(problems, fmt.Errorf("%d signing secrets are more than %d; two are enough to replace one", len(e.Signing), maxSecrets))
	}
	for _, ref := range append([]SecretRef{e.Password, e.Token}, e.Signing...) {
		if ref != "" {
			problems = append(problems, ref.Validate())
		}
	}
	return problems
}

func (e Endpoint) validateHeaders() []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		problems = append(problems, e.validateHeader(name))
		if slices.Contains(secretHeaders, strings.ToLower(name)) {
			problems = append(problems, fmt.Errorf("the value of header %s is a secret; give it by reference, as header from an environment variable (--header-env) or as token", name))
		}
		if strings.ContainsAny(e.Headers[name], "\r\n\x00") {
			problems = append(problems, fmt.Errorf("the value of header %s contains a line break", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.HeaderRefs)) {
		problems = append(problems, e.validateHeader(name), e.HeaderRefs[name].Validate())
	}
	return problems
}

func (e Endpoint) validateHeader(name string) error {
	lower := strings.ToLower(name)
	switch {
	case !headerPattern.MatchString(name):
		return fmt.Errorf("invalid header name %q", name)
	case slices.Contains(ownHeaders, lower), strings.HasPrefix(lower, "webhook-"):
		return fmt.Errorf("the header %s is set by Tagwatch and cannot be chosen", name)
	case lower == "authorization" && (e.Token != "" || e.User != "" || e.Password != ""):
		return errors.New("the header Authorization and a token, user or password exclude each other")
	}
	return nil
}

func (e Endpoint) validateTLS() []error {
	var problems []error
	if (e.CertFile == "") != (e.KeyFile == "") {
		problems = append(problems, errors.New("a client certificate requires both a certificate file and a key file"))
	}
	for _, path := range []string{e.CAFile, e.CertFile, e.KeyFile} {
		if path != "" && !filepath.IsAbs(path) {
			problems = append(problems, fmt.Errorf("the path %q is not absolute", path))
		}
	}
	return problems
}

// IsRef reports whether the text has the form of a reference.
func (r SecretRef) IsRef() bool {
	return strings.HasPrefix(string(r), "env:") || strings.HasPrefix(string(r), "file:")
}

// Validate does not show an invalid value, which may be the secret itself.
func (r SecretRef) Validate() error {
	kind, name, _ := strings.Cut(string(r), ":")
	switch {
	case kind == "env" && envPattern.MatchString(name):
		return nil
	case kind == "file" && filepath.IsAbs(name):
		return nil
	}
	return fmt.Errorf("give secrets by reference: env:NAME or file:/absolute/path: %w", errkind.Invalid)
}
