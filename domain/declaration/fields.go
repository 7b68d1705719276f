package declaration

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// fields are the settings of a thing by their names in a document, as JSON.
func (t Thing) fields() map[string]string {
	switch {
	case t.Endpoint != nil:
		return flat(EndpointOf(*t.Endpoint), "name")
	case t.Bundle != nil:
		fields := map[string]string{"hash": t.Bundle.Hash}
		if t.Bundle.Active {
			fields["active"] = "true"
		}
		return fields
	case t.Acceptance != nil:
		fields := flat(acceptanceOf(*t.Acceptance), "vulnerability", "package", "subject")
		if len(t.Older) > 0 {
			fields["earlier"] = fmt.Sprint(len(t.Older))
		}
		return fields
	case t.Repository != nil:
		return flat(RepositoryOf(*t.Repository), "name")
	case t.Source != nil:
		return flat(SourceOf(*t.Source), "name")
	}
	return t.Watched.fields()
}

func (w Watched) fields() map[string]string {
	types := slices.Sorted(maps.Keys(w.Types))
	fields := map[string]string{"types": text(types)}
	if w.Poll != 0 {
		fields["interval"] = w.Poll.String()
	}
	same := true
	for _, t := range types {
		same = same && text(w.Types[t]) == text(w.Types[types[0]])
	}
	for _, t := range types {
		for name, value := range flat(w.Types[t]) {
			if !same {
				name = string(t) + "." + name
			}
			fields[name] = value
		}
	}
	return fields
}

// flat is the JSON of a structure, with the fields of inner ones beside the others.
func flat(value any, without ...string) map[string]string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text(value)), &object) != nil {
		return nil
	}
	fields := map[string]string{}
	for name, content := range object {
		if slices.Contains(without, name) {
			continue
		}
		if name == "filter" || name == "options" {
			for inner, value := range flat(content) {
				fields[name+"."+inner] = value
			}
			continue
		}
		plain := ""
		if json.Unmarshal(content, &plain) != nil {
			plain = string(content)
		}
		fields[name] = plain
	}
	return fields
}

func text(value any) string {
	content, err := json.Marshal(value)
	if err != nil { // of nothing that a document holds
		return fmt.Sprint(value)
	}
	return string(content)
}

// disclosed is the thing without what may be a secret, and without long texts.
func (t Thing) disclosed() Thing {
	switch {
	case t.Endpoint != nil:
		e := t.Endpoint.Disclosed()
		e.Template = sized(e.Template)
		t.Endpoint = &e
	case t.Bundle != nil:
		b := *t.Bundle
		b.Hash = b.Hash[:min(len(b.Hash), 12)]
		t.Bundle = &b
	case t.Repository != nil:
		r := *t.Repository
		r.Options.Dockerfile = sized(r.Options.Dockerfile)
		t.Repository = &r
	case t.Source != nil:
		s := t.Source.Disclosed()
		s.Options.Dockerfile = sized(t.Source.Options.Dockerfile)
		t.Source = &s
	case t.Watched != nil:
		w := *t.Watched
		w.Types = map[notification.Type]subscription.Options{}
		for kind, options := range t.Watched.Types {
			options.Dockerfile = sized(options.Dockerfile)
			w.Types[kind] = options
		}
		t.Watched = &w
	}
	return t
}

// sized stands for a text by its size.
func sized(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf("(%d bytes)", len(text))
}
