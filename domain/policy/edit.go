package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// NewRule is a rule to add to a policy.
type NewRule struct {
	ID      string     `json:"id"`
	Gate    string     `json:"gate"`
	Trigger string     `json:"trigger"`
	Action  string     `json:"action"`
	Params  []NewParam `json:"params"`
}

// NewParam is a parameter of a rule to add.
type NewParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// NewItem is an item to add to a whitelist.
type NewItem struct {
	ID        string `json:"id"`
	Gate      string `json:"gate"`
	TriggerID string `json:"trigger_id"`
	Expires   string `json:"expires_on,omitempty"` // RFC 3339; "" for never
	Comment   string `json:"comment,omitempty"`
}

// NewMapping is a mapping to add. Its patterns are of tags.
type NewMapping struct {
	ID, Name, Registry, Repository, Tag string
	Policies, Whitelists                []string
}

// AddRule returns the bundle's document with a rule at the end of a policy, which
// may be "" where there is only one.
func (b *Bundle) AddRule(policy string, rule NewRule) ([]byte, error) {
	rule.Action = strings.ToUpper(rule.Action)
	rule.Params = append([]NewParam{}, rule.Params...)
	return b.editPart(policyPart, policy, "rules", appending(rule.ID, rule))
}

// RemoveRule returns the document without a rule of a policy.
func (b *Bundle) RemoveRule(policy, rule string) ([]byte, error) {
	return b.editPart(policyPart, policy, "rules", removing(rulePart, rule, "id"))
}

// AddItem returns the document with an item at the end of a whitelist, which may be
// "" where there is only one.
func (b *Bundle) AddItem(whitelist string, item NewItem) ([]byte, error) {
	return b.editPart(whitelistPart, whitelist, "items", appending(item.ID, item))
}

// RemoveItem returns the document without an item of a whitelist, by its id or its
// trigger id.
func (b *Bundle) RemoveItem(whitelist, item string) ([]byte, error) {
	return b.editPart(whitelistPart, whitelist, "items", removing(itemPart, item, "id", "trigger_id"))
}

// AddMapping returns the document with a mapping at a position, from 1; the first
// that matches a tag counts.
func (b *Bundle) AddMapping(m NewMapping, position int) ([]byte, error) {
	mapping := map[string]any{
		"id": m.ID, "name": m.Name, "registry": m.Registry, "repository": m.Repository,
		"image":             map[string]string{"type": "tag", "value": m.Tag},
		b.key("policy_ids"): append([]string{}, m.Policies...), b.key("whitelist_ids"): append([]string{}, m.Whitelists...),
	}
	return b.editList("mappings", func(list []json.RawMessage) ([]json.RawMessage, error) {
		list, err := appending(m.ID, mapping)(list)
		if err != nil {
			return nil, err
		}
		return move(list, len(list)-1, position)
	})
}

// MoveMapping returns the document with a mapping at another position, from 1.
func (b *Bundle) MoveMapping(id string, position int) ([]byte, error) {
	return b.editList("mappings", func(list []json.RawMessage) ([]json.RawMessage, error) {
		at, err := find(list, mappingPart, id, "id")
		if err != nil {
			return nil, err
		}
		return move(list, at, position)
	})
}

// RemoveMapping returns the document without a mapping.
func (b *Bundle) RemoveMapping(id string) ([]byte, error) {
	return b.editList("mappings", removing(mappingPart, id, "id"))
}

// part is a kind of things that bundles consist of.
type part struct {
	name, list string
	seen       string // the command that shows them
}

var (
	policyPart    = part{"policy", "policies", "tagwatch policy rule list"}
	rulePart      = part{"rule", "rules", "tagwatch policy rule list"}
	whitelistPart = part{"whitelist", "whitelists", "tagwatch policy get"}
	itemPart      = part{"whitelist item", "items", "tagwatch policy get"}
	mappingPart   = part{"mapping", "mappings", "tagwatch policy mapping list"}
)

// listEdit changes a list of JSON values.
type listEdit func([]json.RawMessage) ([]json.RawMessage, error)

// key is how the bundle's version calls it.
func (b *Bundle) key(name string) string {
	if renamed := enterpriseKeys[name]; renamed != "" && b.Version == VersionEnterprise {
		return renamed
	}
	return name
}

// editList changes a list of the bundle. Everything else stays as it is written, but
// for blanks.
func (b *Bundle) editList(name string, edit listEdit) ([]byte, error) {
	changed, err := editMember(b.raw, b.key(name), edit)
	if err != nil {
		return nil, err
	}
	return indent(changed), nil
}

// editPart changes a list of a policy or a whitelist.
func (b *Bundle) editPart(p part, id, list string, edit listEdit) ([]byte, error) {
	return b.editList(p.list, func(all []json.RawMessage) ([]json.RawMessage, error) {
		at, err := findPart(all, p, id)
		if err != nil {
			return nil, err
		}
		changed, err := editMember(all[at], list, edit)
		if err != nil {
			return nil, err
		}
		return slices.Concat(all[:at], []json.RawMessage{changed}, all[at+1:]), nil
	})
}

// findPart is the position of the part of an id, or of the only one.
func findPart(all []json.RawMessage, p part, id string) (int, error) {
	switch {
	case id != "":
		return find(all, p, id, "id")
	case len(all) == 1:
		return 0, nil
	case len(all) == 0:
		return 0, fmt.Errorf("the bundle has no %s: %w", p.name, errkind.Invalid)
	}
	var ids []string
	for _, raw := range all {
		if fields, _ := splitObject(raw); raw[0] == '{' && isText(fields["id"]) {
			ids = append(ids, unquote(fields["id"]))
		}
	}
	return 0, fmt.Errorf("the bundle has %d %s; name one with --in: %s: %w", len(all), p.list, strings.Join(ids, ", "), errkind.Invalid)
}

// editMember changes a list that is a member of an object.
func editMember(object json.RawMessage, name string, edit listEdit) (json.RawMessage, error) {
	if object[0] != '{' {
		return nil, fmt.Errorf("expected an object, not %.40s: %w", object, errkind.Invalid)
	}
	fields, _ := splitObject(object)
	var list []json.RawMessage
	if raw := fields[name]; len(raw) > 0 && raw[0] == '[' {
		list = splitArray(raw)
	}
	list, err := edit(list)
	if err != nil {
		return nil, err
	}
	changed := encode(append([]json.RawMessage{}, list...))
	var members [][]byte
	add := func(key string, value []byte) {
		members = append(members, slices.Concat(encode(key), []byte(":"), value))
	}
	found := false
	for key, value := range membersOf(object) {
		if key == name {
			value, found = changed, true
		}
		add(key, value)
	}
	if !found {
		add(name, changed)
	}
	return slices.Concat([]byte("{"), bytes.Join(members, []byte(",")), []byte("}")), nil
}

// appending adds an element whose id no other has.
func appending(id string, element any) listEdit {
	return func(list []json.RawMessage) ([]json.RawMessage, error) {
		if _, err := find(list, part{}, id, "id"); err == nil {
			return nil, fmt.Errorf("the id %q is taken: %w", id, errkind.Invalid)
		}
		return append(slices.Clip(list), encode(element)), nil
	}
}

// removing leaves out the element of which one of the members has the value.
func removing(p part, value string, names ...string) listEdit {
	return func(list []json.RawMessage) ([]json.RawMessage, error) {
		at, err := find(list, p, value, names...)
		if err != nil {
			return nil, err
		}
		return slices.Concat(list[:at], list[at+1:]), nil
	}
}

// find is the position of the element of which one of the members has the value.
func find(list []json.RawMessage, p part, value string, names ...string) (int, error) {
	for _, name := range names {
		at := slices.IndexFunc(list, func(raw json.RawMessage) bool {
			if raw[0] != '{' {
				return false
			}
			fields, _ := splitObject(raw)
			return isText(fields[name]) && unquote(fields[name]) == value
		})
		if at >= 0 {
			return at, nil
		}
	}
	return 0, fmt.Errorf("%s %q not found; see: %s: %w", p.name, value, p.seen, errkind.NotFound)
}

// move puts an element at a position, from 1.
func move(list []json.RawMessage, from, position int) ([]json.RawMessage, error) {
	if position < 1 || position > len(list) {
		return nil, fmt.Errorf("position %d is not between 1 and %d: %w", position, len(list), errkind.Invalid)
	}
	moved := list[from]
	return slices.Insert(slices.Concat(list[:from], list[from+1:]), position-1, moved), nil
}
