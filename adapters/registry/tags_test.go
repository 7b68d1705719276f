package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

func list(t *testing.T, client *registry.Registry, host string) ([]string, error) {
	t.Helper()
	var all []string
	for page, err := range client.Tags(t.Context(), image.Repository{Registry: host, Path: "app"}) {
		if err != nil {
			return all, err
		}
		all = append(all, page...)
	}
	return all, nil
}

func TestTags(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	for _, tag := range []string{"2", "3"} {
		if err := store.Tag("app:1", tag); err != nil {
			t.Fatal(err)
		}
	}
	got, err := list(t, client, store.Host())
	if slices.Sort(got); err != nil || !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("tags = %v, %v; want 1, 2, 3", got, err)
	}
}

func TestTagsFollowsPages(t *testing.T) {
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("last") {
		case "":
			w.Header().Set("Link", `</elsewhere/v2/app/tags/list?last=b&n=2>; rel="next"`)
			fmt.Fprint(w, `{"tags":["a","b"]}`)
		case "b":
			fmt.Fprint(w, `{"tags":["b","c"]}`)
		}
	})
	got, err := list(t, newClient(t, registry.Options{}), host)
	if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("tags = %v, %v; want a, b, c", got, err)
	}
}

func TestHostileListsEnd(t *testing.T) {
	page := 0
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"loop", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `</v2/app/tags/list?last=b>; rel="next"`)
			fmt.Fprint(w, `{"tags":["a","b"]}`)
		}, errkind.Invalid},
		{"endless empty pages", func(w http.ResponseWriter, _ *http.Request) {
			page++
			w.Header().Set("Link", fmt.Sprintf(`</v2/app/tags/list?last=%d>; rel="next"`, page))
			fmt.Fprint(w, `{"tags":[]}`)
		}, errkind.Invalid},
		{"no list", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) }, errkind.Invalid},
		{"broken link", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<:// >; rel="next"`)
			fmt.Fprint(w, `{"tags":["a"]}`)
		}, errkind.Invalid},
		{"gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, errkind.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := list(t, newClient(t, registry.Options{}), serve(t, test.answer)); !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}
