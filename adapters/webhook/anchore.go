package webhook

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Imported is the result of reading a configuration of Anchore Engine.
type Imported struct {
	// Endpoints are valid, and hold references in place of passwords.
	Endpoints []endpoint.Endpoint
	// Missing are the secrets to supply to the workers, by reference.
	Missing []MissingSecret
	// Remarks are the differences from Anchore, for people.
	Remarks []string
}

// MissingSecret is a secret that was not imported.
type MissingSecret struct {
	Ref      endpoint.SecretRef
	Endpoint string
	Purpose  string
}

// general is the entry that receives every type.
const general = "general"

// anchoreHook is one entry. Settings that it omits come from the global ones beside
// it. A null does not omit a setting but clears it, as Anchore's own entries do.
type anchoreHook struct {
	url            string
	user, password *string
	verify         *bool
}

// globals are the settings beside the entries.
var globals = []string{"webhook_user", "webhook_pass", "ssl_verify", "notification_retry_timeout"}

// ImportAnchore reads the webhooks section of a config.yaml of Anchore Engine.
// Every entry with a URL becomes an endpoint of the same name. Passwords become
// references, to the same variable if the file takes them from the environment. Other
// values from the environment are looked up. Errors name the invalid key.
func ImportAnchore(config []byte, lookup func(variable string) (value string, found bool)) (Imported, error) {
	file, err := readAnchoreFile(config, lookup)
	if err != nil {
		return Imported{}, err
	}
	hooks, found, err := file.inner("webhooks")
	if err != nil {
		return Imported{}, err
	}
	if !found {
		return Imported{}, fmt.Errorf("the configuration has no section webhooks; give Anchore Engine's config.yaml, or that section of it: %w", errkind.Invalid)
	}
	i := importer{file: file}
	if err := i.global(hooks); err != nil {
		return Imported{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(hooks.nodes)) {
		if slices.Contains(globals, name) {
			continue
		}
		if err := i.entry(hooks, name); err != nil {
			return Imported{}, err
		}
	}
	return i.Imported, nil
}

type importer struct {
	Imported
	file     section
	defaults anchoreHook
}

func (i *importer) remark(format string, args ...any) {
	i.Remarks = append(i.Remarks, fmt.Sprintf(format, args...))
}

// global reads the settings beside the entries.
func (i *importer) global(hooks section) (err error) {
	if i.defaults, err = readHook(hooks, anchoreHook{}); err != nil {
		return err
	}
	if hooks.find("notification_retry_timeout") != nil {
		i.remark("notification_retry_timeout is not imported: deliveries are retried for %s", delivery.DefaultWindow)
	}
	return nil
}

// readHook reads user, password and verification; hook has the values of omitted ones.
func readHook(s section, hook anchoreHook) (_ anchoreHook, err error) {
	if s.find("webhook_user") != nil {
		if hook.user, err = s.text("webhook_user"); err != nil {
			return hook, err
		}
	}
	if s.find("webhook_pass") != nil {
		if hook.password, err = s.raw("webhook_pass"); err != nil {
			return hook, err
		}
	}
	if s.find("ssl_verify") != nil {
		hook.verify, err = s.truth("ssl_verify")
	}
	return hook, err
}

// entry reads one webhook. It ignores empty entries, which Anchore ships.
func (i *importer) entry(hooks section, name string) error {
	s, set, err := hooks.inner(name)
	if err != nil || !set {
		return err
	}
	address, err := s.text("url")
	if err != nil || address == nil || *address == "" {
		return err
	}
	hook, err := readHook(s, i.defaults)
	if err != nil {
		return err
	}
	hook.url = *address
	types, found, err := i.types(name)
	if err != nil {
		return err
	}
	if !found {
		i.remark("%s: skipped: Anchore has no such type and never sends to it", name)
		return nil
	}
	e := endpoint.Endpoint{Name: name, URL: hook.url, Types: types}
	i.authenticate(&e, hook)
	i.conceal(&e)
	if strings.HasPrefix(e.URL, "https:") && (hook.verify == nil || !*hook.verify) {
		i.remark("%s: Anchore did not verify the certificate; now it is verified; name a private authority by the endpoint's CA file", name)
	}
	if err := e.Validate(); err != nil {
		return fmt.Errorf("%s of Anchore's configuration: %w", s.path, err)
	}
	i.Endpoints = append(i.Endpoints, e)
	return nil
}

// types are what Anchore sends to the entry of that name: its own type, or all.
func (i *importer) types(name string) (types []notification.Type, found bool, err error) {
	if name != general {
		t, err := notification.ParseType(name)
		return []notification.Type{t}, err == nil, nil
	}
	events, err := i.events()
	if err != nil || !events {
		return nil, true, err
	}
	return notification.Types, true, nil
}

// events reports whether Anchore sends its event log. A switch whose variable is not
// set here is off, as in the image of Anchore Engine.
func (i *importer) events() (bool, error) {
	s := i.file
	for _, name := range []string{"services", "catalog", "event_log", "notification"} {
		below, found, err := s.inner(name)
		if err != nil || !found {
			return false, err
		}
		s = below
	}
	if raw, err := s.raw("enabled"); err == nil && raw != nil {
		if ref, whole := environmentRef(*raw); whole {
			variable := strings.TrimPrefix(string(ref), "env:")
			if _, found := s.lookup(variable); !found {
				i.remark("%s uses the variable %s, which is not set: the event log is not sent, which is Anchore Engine's default; to send it, set %s=true and import with --replace",
					s.key("enabled"), variable, variable)
				return false, nil
			}
		}
	}
	enabled, err := s.truth("enabled")
	if err != nil || enabled == nil || !*enabled {
		return false, err
	}
	if !isNull(s.find("level")) {
		i.remark("event_log: the list of levels is not imported; every entry is sent")
	}
	return true, nil
}

// authenticate moves user and password out of the URL and the settings.
func (i *importer) authenticate(e *endpoint.Endpoint, hook anchoreHook) {
	user, password := hook.user, hook.password
	if u, err := url.Parse(e.URL); err == nil && u.User != nil {
		name := u.User.Username()
		secret, _ := u.User.Password()
		user, password = &name, &secret
		_, rest, _ := strings.Cut(e.URL, "@")
		e.URL = u.Scheme + "://" + rest
	}
	if user != nil {
		e.User = *user
	}
	if password == nil || *password == "" {
		return
	}
	ref, found := environmentRef(*password)
	if !found {
		ref = endpoint.SecretRef("env:TAGWATCH_WEBHOOK_" + strings.ToUpper(e.Name) + "_PASSWORD")
	}
	e.Password = ref
	i.Missing = append(i.Missing, MissingSecret{Ref: ref, Endpoint: e.Name, Purpose: "password of user " + e.User})
}

// conceal replaces an address with a secret by a reference.
func (i *importer) conceal(e *endpoint.Endpoint) {
	if !endpoint.HoldsSecret(e.URL) {
		return
	}
	ref := endpoint.SecretRef("env:TAGWATCH_WEBHOOK_" + strings.ToUpper(e.Name) + "_URL")
	e.URL = string(ref)
	i.Missing = append(i.Missing, MissingSecret{Ref: ref, Endpoint: e.Name, Purpose: "URL, which holds a secret,"})
}

// variable is a value from the environment in Anchore's configuration.
var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

func environmentRef(value string) (endpoint.SecretRef, bool) {
	match := variable.FindStringSubmatch(value)
	if match == nil {
		return "", false
	}
	return endpoint.SecretRef("env:" + match[1]), true
}
