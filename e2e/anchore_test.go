package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// TestAnchoreClient: a client of Anchore's API adds an image, waits for it, reads its
// vulnerabilities, adds and activates a policy, evaluates the image, activates a subscription,
// reads the events, deletes the image, and watches a repository.
func TestAnchoreClient(t *testing.T) {
	t.Parallel()
	free := made(net.Listen("tcp", "127.0.0.1:0"))(t)
	address := free.Addr().String()
	must(t, free.Close())
	i := install(t, "TAGWATCH_API_LISTEN="+address)
	reference := i.push("shop/web:1", lab.Debian(lab.Bookworm()...))
	token := strings.TrimSpace(i.do("token", "create", "pipeline", "--scope", "act", "--subject", i.registry.Host()+"/shop/*"))
	admin := strings.TrimSpace(i.do("token", "create", "policies", "--scope", "admin"))
	ask := func(method, path string, body any, into any) {
		t.Helper()
		text := ""
		if body != nil {
			text = string(made(json.Marshal(body))(t))
		}
		request := made(http.NewRequestWithContext(t.Context(), method, "http://"+address+"/v1"+path, strings.NewReader(text)))(t)
		request.SetBasicAuth("admin", token)
		if strings.HasPrefix(path, "/policies") {
			request.SetBasicAuth("admin", admin)
		}
		request.Header.Set("Content-Type", "application/json")
		answer := made(http.DefaultClient.Do(request))(t)
		defer answer.Body.Close()
		content := made(io.ReadAll(answer.Body))(t)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, content)
		}
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatalf("%s %s: %s: %v", method, path, content, err)
		}
	}
	var system struct {
		States []struct {
			Name   string `json:"servicename"`
			Status bool   `json:"status"`
		} `json:"service_states"`
	}
	ask("GET", "/system", nil, &system)
	for _, s := range system.States {
		if !s.Status {
			t.Errorf("%s is down", s.Name)
		}
	}
	var images []struct {
		Digest   string `json:"imageDigest"`
		Analysis string `json:"analysis_status"`
		Detail   []struct {
			Tag string `json:"fulltag"`
			ID  string `json:"imageId"`
		} `json:"image_detail"`
	}
	ask("POST", "/images?autosubscribe=true", map[string]string{"tag": reference}, &images)
	if len(images) != 1 || !strings.HasPrefix(images[0].Digest, "sha256:") {
		t.Fatalf("added: %+v", images)
	}
	image := "/images/" + images[0].Digest
	for deadline := time.Now().Add(patience); images[0].Analysis != "analyzed"; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not analyzed: %+v", images)
		}
		ask("GET", image, nil, &images)
	}
	if d := images[0].Detail; len(d) != 1 || d[0].Tag != reference || len(d[0].ID) != 64 {
		t.Errorf("image: %+v", images)
	}
	var found struct {
		Vulnerabilities []struct{ Vuln, Severity, Fix string }
	}
	ask("GET", image+"/vuln/os", nil, &found)
	if len(found.Vulnerabilities) == 0 || found.Vulnerabilities[0].Fix == "" {
		t.Errorf("vulnerabilities: %+v", found)
	}
	var policies []map[string]any
	var policy map[string]any
	ask("POST", "/policies?detail=True", json.RawMessage(stopping), &policy)
	ask("GET", "/policies/stopping", nil, &policies)
	policies[0]["active"] = true
	ask("PUT", "/policies/stopping", policies[0], &policies)
	if policy["active"] != false || policies[0]["active"] != true {
		t.Errorf("policy added as %v, activated as %v", policy, policies)
	}
	var checked []map[string]map[string][]struct {
		Status string
		Detail struct {
			Result struct {
				Action string `json:"final_action"`
			}
		}
	}
	ask("GET", image+"/check?detail=true&tag="+url.QueryEscape(reference), nil, &checked)
	if outcome := checked[0][images[0].Digest][reference]; len(outcome) != 1 || outcome[0].Status != "fail" || outcome[0].Detail.Result.Action != "stop" {
		t.Errorf("check: %+v", checked)
	}
	var subs []struct {
		ID     string `json:"subscription_id"`
		Active bool   `json:"active"`
	}
	filter := "/subscriptions?subscription_type=vuln_update&subscription_key=" + url.QueryEscape(reference)
	ask("GET", filter, nil, &subs)
	if len(subs) != 1 || subs[0].Active {
		t.Fatalf("before activation: %+v", subs)
	}
	ask("PUT", "/subscriptions/"+subs[0].ID, map[string]any{"active": true, "subscription_key": reference, "subscription_type": "vuln_update"}, &subs)
	ask("GET", filter, nil, &subs)
	if len(subs) != 1 || !subs[0].Active {
		t.Errorf("activated: %+v", subs)
	}
	var events struct {
		Results []struct{ Event struct{ Type string } }
	}
	i.notified(1)
	ask("GET", "/events", nil, &events)
	if !strings.Contains(fmt.Sprint(events), "user.image.analysis.completed") {
		t.Errorf("events: %+v", events)
	}
	var gone struct{ Status string }
	ask("DELETE", image+"?force=true", nil, &gone)
	if gone.Status != "deleting" || i.do("status", "-q") != "" {
		t.Errorf("deleted: %+v", gone)
	}
	var repositories []struct {
		ID     string `json:"subscription_id"`
		Value  string `json:"subscription_value"`
		Active bool   `json:"active"`
	}
	repository := i.registry.Host() + "/shop/web"
	for _, dry := range []bool{true, false} {
		ask("POST", fmt.Sprintf("/repositories?autosubscribe=True&dryrun=%t&repository=%s", dry, url.QueryEscape(repository)), nil, &repositories)
		if len(repositories) != 1 || repositories[0].Active == dry || !strings.Contains(repositories[0].Value, `"repotags":["1"]`) {
			t.Errorf("repository added, dry run %t: %+v", dry, repositories)
		}
	}
	i.eventually("the tag of the repository is watched", func() bool { return strings.TrimSpace(i.do("status", "-q")) == reference })
	ask("PUT", "/subscriptions/"+repositories[0].ID, map[string]any{"active": false, "subscription_key": repository, "subscription_type": "repo_update"}, &repositories)
	if left := i.do("repository", "list", "-o", "json"); left != "[]\n" {
		t.Errorf("unwatched: %s", left)
	}
}

// stopping is a bundle that no image passes.
const stopping = `{"id": "stopping", "version": "1_0", "whitelists": [],
  "policies": [{"id": "p", "version": "1_0", "rules": [{"id": "r", "gate": "always", "trigger": "always", "action": "STOP", "params": []}]}],
  "mappings": [{"id": "m", "name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`
