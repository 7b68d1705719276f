package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// members is a JSON object whose keys are kept, known or not.
type members = map[string]json.RawMessage

// Convert writes a valid bundle in the form of another version.
func Convert(b *Bundle, version string) ([]byte, error) {
	c := converter{version: version, words: engineWords, keys: map[string]string{}}
	switch version {
	case VersionEngine:
		for ours, theirs := range enterpriseKeys {
			c.keys[theirs] = ours
		}
	case VersionEnterprise:
		c.words, c.keys = enterpriseWords, enterpriseKeys
	default:
		return nil, fmt.Errorf("version %q of bundles not known, use %s or %s: %w", version, VersionEngine, VersionEnterprise, errkind.Invalid)
	}
	return indent(encode(c.bundle(c.object(b.raw)))), nil
}

// indent is a document as people read it.
func indent(document json.RawMessage) []byte {
	var out bytes.Buffer
	_ = json.Indent(&out, document, "", "  ") // of valid JSON
	out.WriteByte('\n')
	return out.Bytes()
}

// encode writes a value whose parts are valid. Comparisons stay as they are: > and
// not its number.
func encode(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return bytes.TrimSpace(out.Bytes())
}

// converter rewrites the members that versions call differently.
type converter struct {
	version string
	keys    map[string]string
	words   *strings.Replacer
}

// object is the object with its keys as the version writes them.
func (c converter) object(raw json.RawMessage) members {
	fields, _ := splitObject(raw)
	renamed := members{}
	for key, value := range fields {
		if to, found := c.keys[key]; found {
			key = to
		}
		renamed[key] = value
	}
	return renamed
}

func (c converter) bundle(b members) members {
	b["version"] = encode(c.version)
	c.each(b, "policies", c.policy)
	c.each(b, "whitelists", c.part)
	c.each(b, "mappings", c.mapping)
	return b
}

// each converts the elements of a list, under the key of either version.
func (c converter) each(of members, key string, convert func(members)) {
	for _, name := range []string{key, enterpriseKeys[key]} {
		if raw := of[name]; len(raw) > 0 && raw[0] == '[' {
			list := splitArray(raw)
			for i, element := range list {
				if element[0] == '{' { // which what no mapping uses need not be
					fields := c.object(element)
					convert(fields)
					list[i] = encode(fields)
				}
			}
			of[name] = encode(append([]json.RawMessage{}, list...))
		}
	}
}

func (c converter) part(p members) { p["version"] = encode(c.version) }

func (c converter) policy(p members) {
	c.part(p)
	c.each(p, "rules", c.rule)
}

func (c converter) rule(r members) {
	c.word(r, "trigger")
	c.each(r, "params", func(p members) {
		if isText(p["name"]) && strings.EqualFold(unquote(p["name"]), "type") {
			c.word(p, "value")
		}
	})
}

// word spells a text as the version does, and leaves its case where it is the same.
func (c converter) word(of members, key string) {
	if raw := of[key]; isText(raw) {
		if text := strings.ToLower(unquote(raw)); c.words.Replace(text) != text {
			of[key] = encode(c.words.Replace(text))
		}
	}
}

// mapping writes the older form of one policy as a list.
func (c converter) mapping(m members) {
	if single := m["policy_id"]; c.version == VersionEnterprise && isText(single) {
		if unquote(single) != "" {
			m["rule_set_ids"] = encode([]json.RawMessage{single})
		}
		delete(m, "policy_id")
	}
}

func isText(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }
