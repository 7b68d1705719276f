package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// numbered are tags in order.
func numbered(n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("v%05d", i)
	}
	return tags
}

// pages serves tags in pages, and writes the link to the next as it is notified to; ""
// for no link at all.
func pages(tags []string, most int, link func(last string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		last := r.URL.Query().Get("last")
		page := slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return tag <= last })
		if n, _ := strconv.Atoi(r.URL.Query().Get("n")); n > 0 {
			most = min(most, n)
		}
		if len(page) > most {
			page = page[:most]
			if text := link(page[most-1]); text != "" {
				w.Header().Set("Link", text)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "app", "tags": page})
	}
}

func TestListsThatSayInTheirWayThatThereIsMore(t *testing.T) {
	for name, test := range map[string]struct {
		tags, most int
		link       string // with the last tag for %s
	}{
		"no link, a full page":                  {1500, 1000, ""},
		"no link, exactly full pages":           {2000, 1000, ""},
		"no link, a page of the registry's own": {250, 100, ""},
		"capital letters":                       {30, 7, `</v2/app/tags/list?last=%s>; REL="Next"`},
		"no quotes":                             {30, 7, `</v2/app/tags/list?last=%s>;rel=next`},
		"single quotes":                         {30, 7, `</v2/app/tags/list?last=%s>; rel='next'`},
		"several relations":                     {30, 7, `</v2/app/tags/list?last=%s>; title="a, b"; rel="last next"`},
		"several links":                         {30, 7, `</v2/app/tags/list>; rel="first", </v2/app/tags/list?last=%s>; rel="next"`},
		"no relation":                           {30, 7, `</v2/app/tags/list?last=%s>`},
		"whole address":                         {30, 7, `<https://elsewhere.example/v2/app/tags/list?last=%s&n=7>; rel="next"`},
	} {
		t.Run(name, func(t *testing.T) {
			want := numbered(test.tags)
			host := serve(t, pages(want, test.most, func(last string) string {
				if test.link == "" {
					return ""
				}
				return fmt.Sprintf(test.link, last)
			}))
			if got, err := list(t, newClient(t, registry.Options{}), host); err != nil || !slices.Equal(got, want) {
				t.Errorf("%d tags, %v; want %d", len(got), err, len(want))
			}
		})
	}
}

func TestListsWithOddPages(t *testing.T) {
	all := numbered(50)
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    []string
	}{
		"an empty page in the middle": {func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Query().Get("last") {
			case "":
				w.Header().Set("Link", `</v2/app/tags/list?last=a>; rel="next"`)
				fmt.Fprint(w, `{"tags":["a"]}`)
			case "a":
				w.Header().Set("Link", `</v2/app/tags/list?last=b>; rel="next"`)
				fmt.Fprint(w, `{"tags":[]}`)
			default:
				fmt.Fprint(w, `{"tags":["c"]}`)
			}
		}, []string{"a", "c"}},
		"a registry that knows no pages": {func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"tags": all})
		}, all},
		"no tags":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"app","tags":[]}`) }, nil},
		"null tags": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"app","tags":null}`) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := list(t, newClient(t, registry.Options{}), serve(t, test.handler)); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("tags %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// What cannot be understood is an error, and never an empty list or its end.
func TestListsThatAreNone(t *testing.T) {
	for body, want := range map[string]error{
		`{"errors":[{"code":"UNKNOWN","message":"later"}]}`: errkind.Unavailable,
		`{"errors":[{"code":"TOOMANYREQUESTS"}],"tags":[]}`: errkind.Unavailable,
		`{"errors":[{"code":"UNAUTHORIZED"}]}`:              errkind.Unauthorized,
		`{"errors":[{"code":"NAME_UNKNOWN"}]}`:              errkind.NotFound,
		`{}`:                                                errkind.Invalid, `{"name":"app"}`: errkind.Invalid, `[]`: errkind.Invalid, `null`: errkind.Invalid, ``: errkind.Invalid,
		`<html>Log in</html>`: errkind.Invalid, `{"tags":["a"`: errkind.Invalid, `{"tags":"a"}`: errkind.Invalid,
		`{"tags":{"a":1}}`: errkind.Invalid, `{"tags":[1]}`: errkind.Invalid, `{"tags":["a",null]}`: errkind.Invalid, `{"tags":[""]}`: errkind.Invalid,
	} {
		t.Run(body, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
			if got, err := list(t, newClient(t, registry.Options{}), host); !errors.Is(err, want) {
				t.Errorf("tags %v, %v; want %v", got, err, want)
			}
		})
	}
	for _, link := range []string{`next`, `</v2/app/tags/list?last=a; rel="next"`, `</v2/app/tags/list/2>; rel="next"`} {
		t.Run(link, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Link", link)
				fmt.Fprint(w, `{"tags":["a"]}`)
			})
			if got, err := list(t, newClient(t, registry.Options{}), host); !errors.Is(err, errkind.Invalid) {
				t.Errorf("tags %v, %v; want errkind.Invalid", got, err)
			}
		})
	}
}

// The list of tags may need another scope than pulling, which the registry names.
func TestListNamesItsScope(t *testing.T) {
	const wanted = "repository:app:metadata_read"
	issued := map[string]int{}
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			scope := r.URL.Query().Get("scope")
			issued[scope]++
			fmt.Fprintf(w, `{"token":%q,"expires_in":300}`, base64.RawURLEncoding.EncodeToString([]byte(scope)))
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+base64.RawURLEncoding.EncodeToString([]byte(wanted)) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="lab",scope=%q,error="insufficient_scope"`, r.Host, wanted))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"tags":["a"]}`)
	})
	client := newClient(t, registry.Options{})
	challenged := challenge(t, host, "Bearer")
	for range 3 {
		if got, err := list(t, client, challenged); err != nil || !slices.Equal(got, []string{"a"}) {
			t.Fatalf("tags %v, %v", got, err)
		}
	}
	if issued[wanted] != 1 || issued["repository:app:pull"] != 1 {
		t.Errorf("tokens issued: %v; want one of each scope", issued)
	}
}
