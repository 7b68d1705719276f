package subscription

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// Replacement is what one option was before a request, and is after it; "" for none.
type Replacement struct {
	Option string `json:"option"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// mostReplacement bounds a value in a Replacement, in bytes: it is for people to recognize.
const mostReplacement = 100

// Replaced is what a request changes about a tag's subscriptions, of which before has
// the active and the inactive ones; nothing for a tag without an active one.
func Replaced(before, requested []Subscription) []Replacement {
	active := map[notification.Type]Subscription{}
	var types []string
	for _, s := range before {
		if s.Active {
			active[s.Type] = s
			types = append(types, string(s.Type))
		}
	}
	if len(active) == 0 {
		return nil
	}
	all, replaced := slices.Clone(types), map[string]Replacement{}
	for _, s := range requested {
		former, known := active[s.Type]
		if !known {
			all = append(all, string(s.Type))
			continue
		}
		was, is := former.Options.values(), s.Options.values()
		for _, name := range slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is)) {
			if was[name] != is[name] {
				replaced[name] = Replacement{name, cut(was[name]), cut(is[name])}
			}
		}
	}
	if len(all) > len(types) {
		slices.Sort(types)
		slices.Sort(all)
		replaced["types"] = Replacement{"types", strings.Join(types, ", "), strings.Join(all, ", ")}
	}
	var list []Replacement
	for _, name := range slices.Sorted(maps.Keys(replaced)) {
		list = append(list, replaced[name])
	}
	return list
}

// values are the options that are given, by their names in JSON, as people read them.
func (o Options) values() map[string]string {
	texts, given := map[string]string{}, map[string]any{}
	text, err := json.Marshal(o.WithoutDockerfile())
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err != nil { // only a number that JSON does not have
		return texts
	}
	for name, value := range given {
		switch v := value.(type) {
		case string:
			texts[name] = v
		case []any:
			var parts []string
			for _, part := range v {
				if one, isText := part.(string); isText {
					parts = append(parts, one)
				}
			}
			texts[name] = strings.Join(parts, ", ")
		default:
			line, _ := json.Marshal(v) // read from JSON
			texts[name] = string(line)
		}
	}
	return texts
}

func cut(text string) string {
	if len(text) <= mostReplacement {
		return text
	}
	return strings.ToValidUTF8(text[:mostReplacement], "") + "..."
}
