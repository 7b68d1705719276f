package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// TestAPI: a program with a token watches a tag from its subscription to its end, and
// sees what the command line shows.
func TestAPI(t *testing.T) {
	t.Parallel()
	free := made(net.Listen("tcp", "127.0.0.1:0"))(t)
	address := free.Addr().String()
	must(t, free.Close())
	i := install(t, "TAGWATCH_API_LISTEN="+address)
	reference := i.push("shop/web:1", lab.Debian(lab.Bookworm()...))
	token := strings.TrimSpace(i.do("token", "create", "ci", "--scope", "act", "--subject", i.registry.Host()+"/shop/*", "--expires", "1d"))
	ask := func(method, path, body string, into any) int {
		t.Helper()
		request := made(http.NewRequestWithContext(t.Context(), method, "http://"+address+"/api/v1"+path, strings.NewReader(body)))(t)
		request.Header.Set("Authorization", "Bearer "+token)
		answer := made(http.DefaultClient.Do(request))(t)
		defer answer.Body.Close()
		text := made(io.ReadAll(answer.Body))(t)
		if into != nil {
			if err := json.Unmarshal(text, into); err != nil {
				t.Fatalf("%s %s: %d %s: %v", method, path, answer.StatusCode, text, err)
			}
		}
		return answer.StatusCode
	}
	about := "?ref=" + url.QueryEscape(reference)
	var subscribed struct {
		Results []struct {
			Target    string
			Already   bool
			Endpoints []string
		}
	}
	if status := ask("POST", "/subscriptions", `{"tags": ["`+reference+`"]}`, &subscribed); status != http.StatusOK || len(subscribed.Results) != 1 || subscribed.Results[0].Target != reference || subscribed.Results[0].Already || !slices.Equal(subscribed.Results[0].Endpoints, []string{"receiver"}) {
		t.Fatalf("subscribed: %d %+v", status, subscribed)
	}
	var live struct {
		Complete bool
		Step     string
	}
	for deadline := time.Now().Add(patience); !live.Complete; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not complete: %s", live.Step)
		}
		ask("GET", "/tag/live"+about, "", &live)
	}
	i.notified(1)
	same := func(path string, arguments ...string) {
		t.Helper()
		var served, printed any
		ask("GET", path, "", &served)
		must(t, json.Unmarshal([]byte(i.do(append(arguments, "-o", "json")...)), &printed))
		if items, ok := printed.([]any); ok {
			for _, value := range served.(map[string]any) {
				if list, ok := value.([]any); ok {
					served, printed = list, items
				}
			}
		}
		if got, want := string(made(json.Marshal(served))(t)), string(made(json.Marshal(printed))(t)); got != want {
			t.Errorf("%s answers\n%s\nthe command line prints\n%s", path, got, want)
		}
	}
	same("/tag/vulnerabilities"+about, "vulnerabilities", reference)
	same("/subscriptions", "subscriptions")
	same("/notifications", "notifications")
	same("/feed", "feed", "status")
	same("/tags", "status")

	var refusal struct{ Kind string }
	if status := ask("POST", "/subscriptions", `{"tags": ["`+i.registry.Host()+`/other/web:1"]}`, &refusal); status != http.StatusNotFound || refusal.Kind != "NotFound" {
		t.Errorf("a tag outside of the token's: %d %+v", status, refusal)
	}
	if status := ask("POST", "/rescans", `{"tags": ["`+reference+`"]}`, nil); status != http.StatusAccepted {
		t.Errorf("rescan: %d", status)
	}
	var listed struct{ Deliveries []struct{ ID int64 } }
	ask("GET", "/deliveries", "", &listed)
	if body := made(json.Marshal(map[string]any{"ids": []int64{listed.Deliveries[0].ID}}))(t); ask("POST", "/redeliveries", string(body), nil) != http.StatusAccepted {
		t.Error("redelivery refused")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if hooks := made(i.receiver.WaitFor(ctx, 2))(t); len(byID(t, hooks)) != 1 {
		t.Errorf("%d notifications of one that was sent again", len(byID(t, hooks)))
	}
	var ended struct {
		Results []struct {
			Left int `json:"subscriptions_left"`
		}
	}
	if status := ask("POST", "/subscriptions/end", `{"tags": ["`+reference+`"]}`, &ended); status != http.StatusOK || ended.Results[0].Left != 0 {
		t.Errorf("ended: %d %+v", status, ended)
	}
	if watched := i.do("status", "-q"); watched != "" {
		t.Errorf("still watched: %s", watched)
	}
	i.do("token", "revoke", "ci")
	if status := ask("GET", "/tags", "", nil); status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", status)
	}
}
