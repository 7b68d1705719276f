package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/operations"
)

// prefix begins the paths of all operations.
const prefix = "/api/v1"

// request is a call as HTTP has it: the request of a POST is the body, that of others is
// in the address. The fields that are headers are that in all.
func (c *Client) request(ctx context.Context, call operations.Call) (*http.Request, error) {
	address, body := call.Path, io.Reader(http.NoBody)
	if call.Method == http.MethodPost {
		content, err := json.Marshal(call.Request)
		if err != nil {
			return nil, fmt.Errorf("write the request %s: %w", call.Name, err)
		}
		body = bytes.NewReader(content)
	} else {
		address = filled(call.Path, reflect.ValueOf(call.Request))
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, c.server.String()+prefix+address, body)
	if err != nil {
		return nil, fmt.Errorf("write the request %s: %w", call.Name, err)
	}
	if call.Method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	eachField(reflect.ValueOf(call.Request), func(tag reflect.StructTag, value reflect.Value) {
		if name := tag.Get("header"); name != "" && !value.IsZero() {
			request.Header.Set(name, texts(value))
		}
	})
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("User-Agent", c.agent)
	return request, nil
}

// filled is a path with the fields of a request that belong into it, and the others behind
// it.
func filled(path string, request reflect.Value) string {
	query := url.Values{}
	eachField(request, func(tag reflect.StructTag, value reflect.Value) {
		if name := tag.Get("path"); name != "" {
			path = strings.ReplaceAll(path, "{"+name+"}", segment(texts(value)))
		}
		name, _, _ := strings.Cut(tag.Get("query"), ",")
		if name != "" && !value.IsZero() {
			query.Set(name, texts(value))
		}
	})
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// segment is a text as one segment of a path, also one that would lead up the path.
func segment(text string) string {
	if strings.Trim(text, ".") == "" {
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}

// eachField visits the fields of a structure, and those of the structures in it.
func eachField(value reflect.Value, visit func(reflect.StructTag, reflect.Value)) {
	for i := range value.NumField() {
		if field := value.Type().Field(i); field.Anonymous && field.Type.Kind() == reflect.Struct {
			eachField(value.Field(i), visit)
		} else {
			visit(field.Tag, value.Field(i))
		}
	}
}

// texts is a value as an address has it. Several are separated by commas.
func texts(value reflect.Value) string {
	if value.Kind() == reflect.Slice {
		each := make([]string, value.Len())
		for i := range each {
			each[i] = texts(value.Index(i))
		}
		return strings.Join(each, ",")
	}
	if at, is := value.Interface().(time.Time); is {
		return at.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value.Interface())
}
