package api

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const description = `Tagwatch watches container tags and sends webhooks when something changes. This API
can do what the command line does.

Every request needs a token, as in "Authorization: Bearer twt_...". The scope "read" is for
reading, "act" also for subscriptions, rescans, redeliveries and accepted risks, and "admin"
for everything. A token that is limited to some tags gets 404 for others, and lists without
them.

Lists come in pages: the field "next" of an answer is the cursor for the parameter "after"
of the next request. Errors are problems of RFC 9457.`

// apiVersion is that of the paths: within it, operations, fields and values are added
// only.
const apiVersion = "1"

// newConfig describes the API to its library.
func newConfig() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{Title: "Tagwatch", Version: apiVersion, Description: description}, Tags: tagsOfDocument(),
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", nameOf),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "A token of: tagwatch token create"}}}},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// nameOf names the schema of a type: by its own name for those of the operations and of
// this package, with that of the package before it for others.
func nameOf(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	home := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	if strings.HasPrefix(t.PkgPath(), "github.com/danielgtaylor/") {
		return t.Name()
	}
	if home == "operations" || home == "api" || home == "" {
		return upper(t.Name())
	}
	return upper(home) + upper(t.Name())
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// allowNull has the schemas say what fields that refer to a structure can be null: the
// library does not.
func allowNull(schemas huma.Registry) {
	for name, schema := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for field := range t.Fields() {
			key, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			property := schema.Properties[key]
			if field.Type.Kind() == reflect.Pointer && property != nil && property.Ref != "" && options == "" {
				schema.Properties[key] = &huma.Schema{OneOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}}
			}
		}
	}
}

// Document is the OpenAPI document of the API, in JSON.
func Document() ([]byte, error) {
	made, err := New(Options{})
	if err != nil {
		return nil, err
	}
	return made.document, nil
}

func documentOf(api huma.API) ([]byte, error) {
	text, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	return append(text, '\n'), err
}
