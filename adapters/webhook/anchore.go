package webhook

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
)

// Imported is what was read of a configuration of Anchore Engine.
type Imported struct {
	// Endpoints are valid, and hold references in place of passwords.
	Endpoints []event.Endpoint
	// Missing are the secrets to supply to the workers, by reference.
	Missing []MissingSecret
	// Remarks are what differs from Anchore, for people.
	Remarks []string
}

// MissingSecret is a password that was not taken over.
type MissingSecret struct {
	Ref      event.SecretRef
	Endpoint string
	Purpose  string
}

// general is the entry that receives every type.
const general = "general"

// anchoreFile is the part of config.yaml that is about webhooks.
type anchoreFile struct {
	Webhooks map[string]yaml.Node `yaml:"webhooks"`
	Services struct {
		Catalog struct {
			EventLog struct {
				Notification struct {
					Enabled bool     `yaml:"enabled"`
					Level   []string `yaml:"level"`
				} `yaml:"notification"`
			} `yaml:"event_log"`
		} `yaml:"catalog"`
	} `yaml:"services"`
}

// anchoreHook is one entry; what it leaves out, it takes from the global
// settings beside it. A null is not left out: it takes the setting away, as the
// entries do that Anchore ships.
type anchoreHook struct {
	URL       string  `yaml:"url"`
	User      *string `yaml:"webhook_user"`
	Password  *string `yaml:"webhook_pass"`
	SSLVerify *bool   `yaml:"ssl_verify"`
}

// clone shares nothing with the original, into which YAML would write.
func (h anchoreHook) clone() anchoreHook {
	return anchoreHook{URL: h.URL, User: cloned(h.User), Password: cloned(h.Password), SSLVerify: cloned(h.SSLVerify)}
}

func cloned[T any](value *T) *T {
	if value == nil {
		return nil
	}
	return new(*value)
}

// ImportAnchore reads the webhooks section of a config.yaml of Anchore Engine.
// Every entry with a URL becomes an endpoint of the same name. Passwords are not
// taken over, but for those that the file itself takes from the environment.
func ImportAnchore(config []byte) (Imported, error) {
	var file anchoreFile
	if err := yaml.Unmarshal(config, &file); err != nil {
		return Imported{}, fmt.Errorf("read Anchore's configuration: %w: %w", fault.Invalid, withoutValues(err))
	}
	if file.Webhooks == nil {
		return Imported{}, fmt.Errorf("the configuration has no section webhooks; give Anchore Engine's config.yaml, or that section of it: %w", fault.Invalid)
	}
	i := importer{events: file.Services.Catalog.EventLog.Notification.Enabled}
	if err := i.global(file.Webhooks); err != nil {
		return Imported{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(file.Webhooks)) {
		if node := file.Webhooks[name]; node.Kind == yaml.MappingNode {
			if err := i.entry(name, node); err != nil {
				return Imported{}, err
			}
		}
	}
	if i.events && len(file.Services.Catalog.EventLog.Notification.Level) > 0 {
		i.remark("event_log: the list of levels is not taken over; every entry is sent")
	}
	return i.Imported, nil
}

// withoutValues keeps YAML's complaint about the form and drops what it quotes
// of the content, which may be a password.
func withoutValues(err error) error {
	var mismatch *yaml.TypeError
	if errors.As(err, &mismatch) {
		return errors.New("a setting of the webhooks has a value of another kind than Anchore expects")
	}
	return err
}

type importer struct {
	Imported
	defaults anchoreHook
	events   bool // Anchore sends its event log
}

func (i *importer) remark(format string, args ...any) {
	i.Remarks = append(i.Remarks, fmt.Sprintf(format, args...))
}

// global reads the settings that stand beside the entries.
func (i *importer) global(section map[string]yaml.Node) error {
	for name, into := range map[string]any{"webhook_user": &i.defaults.User, "webhook_pass": &i.defaults.Password, "ssl_verify": &i.defaults.SSLVerify} {
		node, found := section[name]
		if !found {
			continue
		}
		if err := node.Decode(into); err != nil {
			return fmt.Errorf("read webhooks.%s of Anchore's configuration: %w: %w", name, fault.Invalid, withoutValues(err))
		}
	}
	if _, found := section["notification_retry_timeout"]; found {
		i.remark("notification_retry_timeout is not taken over: deliveries are tried for %s", event.DefaultWindow)
	}
	return nil
}

// entry reads one webhook. Anchore ships empty entries, which mean nothing.
func (i *importer) entry(name string, node yaml.Node) error {
	hook := i.defaults.clone()
	if err := node.Decode(&hook); err != nil {
		return fmt.Errorf("read webhooks.%s of Anchore's configuration: %w: %w", name, fault.Invalid, withoutValues(err))
	}
	if hook.URL == "" {
		return nil
	}
	types, err := i.types(name)
	if err != nil {
		i.remark("%s: left out, because Anchore knows no such type and sends nothing there", name)
		return nil
	}
	e := event.Endpoint{Name: name, URL: hook.URL, Types: types}
	i.authenticate(&e, hook)
	i.conceal(&e)
	if strings.HasPrefix(e.URL, "https:") && (hook.SSLVerify == nil || !*hook.SSLVerify) {
		i.remark("%s: Anchore did not verify the certificate; now it is verified, and a private authority is named by the endpoint's CA file", name)
	}
	if err := e.Validate(); err != nil {
		return fmt.Errorf("webhooks.%s of Anchore's configuration: %w", name, err)
	}
	i.Endpoints = append(i.Endpoints, e)
	return nil
}

// types are what Anchore sends to the entry of that name: its own type, or all.
func (i *importer) types(name string) ([]event.Type, error) {
	if name == general && i.events {
		return event.Types, nil
	}
	if name == general {
		return nil, nil
	}
	t, err := event.ParseType(name)
	return []event.Type{t}, err
}

// authenticate moves user and password out of the URL and the settings.
func (i *importer) authenticate(e *event.Endpoint, hook anchoreHook) {
	user, password := hook.User, hook.Password
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
	ref, known := environmentRef(*password)
	if !known {
		ref = event.SecretRef("env:TAGWATCH_WEBHOOK_" + strings.ToUpper(e.Name) + "_PASSWORD")
	}
	e.Password = ref
	i.Missing = append(i.Missing, MissingSecret{Ref: ref, Endpoint: e.Name, Purpose: "password of user " + e.User})
}

// conceal has an address that holds a secret given by reference.
func (i *importer) conceal(e *event.Endpoint) {
	if !event.HoldsSecret(e.URL) {
		return
	}
	ref := event.SecretRef("env:TAGWATCH_WEBHOOK_" + strings.ToUpper(e.Name) + "_URL")
	e.URL = string(ref)
	i.Missing = append(i.Missing, MissingSecret{Ref: ref, Endpoint: e.Name, Purpose: "URL, which holds a secret,"})
}

// variable is how Anchore's configuration takes a value from the environment.
var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

func environmentRef(value string) (event.SecretRef, bool) {
	match := variable.FindStringSubmatch(value)
	if match == nil {
		return "", false
	}
	return event.SecretRef("env:" + match[1]), true
}
