package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// unaudited is a path of URLs, which can be a secret: the trail leaves it out.
const unaudited = "unaudited-path"

// changed is a change in the audit trail.
type changed struct {
	Who, Via, Action, Subject string
	Before, After             json.RawMessage
}

// line is a change without its details: "via action subject", with - for a side that there
// is not.
func (c changed) line() string {
	sides := ""
	for _, side := range []json.RawMessage{c.Before, c.After} {
		if len(side) == 0 || string(side) == "null" {
			sides += "-"
		} else {
			sides += "x"
		}
	}
	return fmt.Sprintf("%s %s %s %s", c.Via, c.Action, c.Subject, sides)
}

// TestAuditTrail changes things by every way, with secrets wherever one can be. The trail
// has each change once, with what was before and after; no secret is in it, nor in
// anything else that is written.
func TestAuditTrail(t *testing.T) {
	t.Parallel()
	free := made(net.Listen("tcp", "127.0.0.1:0"))(t)
	address := free.Addr().String()
	must(t, free.Close())
	i := install(t, "TAGWATCH_API_LISTEN="+address, "SIGNING="+planted+"-signing", "SIGNING2="+planted+"-signing2", "HEADER="+planted+"-header", "PASSWORD="+planted+"-password",
		"ADDRESS=http://127.0.0.1:1/"+planted+"-path")
	receiver := i.receiver.URL() + "/" + unaudited
	web, api, old := i.push("shop/web:1", lab.Debian(lab.Bookworm()...)), i.push("shop/api:1", lab.Debian(lab.Bookworm()...)), i.push("shop/old:1", lab.Debian(lab.Bookworm()...), lab.Labels(map[string]string{"of": "old"}))
	bundle := filepath.Join(t.TempDir(), "bundle.json")
	must(t, os.WriteFile(bundle, []byte(auditedBundle), 0o600))
	tokens := map[string]string{}
	for _, each := range []struct{ name, scope string }{{"robot", "admin"}, {"pipeline", "act"}} {
		tokens[each.name] = strings.TrimSpace(i.do("token", "create", each.name, "--scope", each.scope))
	}

	// The command line.
	i.do("endpoint", "add", "ops", "env:ADDRESS", "--secret-env", "SIGNING", "--header-env", "X-Key=HEADER", "--user", "u", "--password-env", "PASSWORD")
	i.do("endpoint", "rotate", "ops", "--secret-env", "SIGNING2")
	i.do("subscribe", web)
	i.do("policy", "add", "--activate", bundle)

	// The HTTP API.
	ask := func(name, method, path, body string, basic bool) []byte {
		t.Helper()
		request := made(http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader(body)))(t)
		request.Header.Set("Content-Type", "application/json")
		if request.Header.Set("Authorization", "Bearer "+tokens[name]); basic {
			request.SetBasicAuth("anybody", tokens[name])
		}
		answer := made(http.DefaultClient.Do(request))(t)
		defer answer.Body.Close()
		text := made(io.ReadAll(answer.Body))(t)
		if answer.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
		}
		return text
	}
	ask("robot", "POST", "/api/v1/endpoints", `{"name": "chat", "url": "`+receiver+`", "signing": ["env:SIGNING"]}`, false)
	ask("robot", "POST", "/api/v1/endpoints/disable", `{"name": "chat"}`, false)
	ask("robot", "POST", "/api/v1/subscriptions", `{"tags": ["`+api+`"], "types": ["vuln_update"]}`, false)
	ask("robot", "DELETE", "/api/v1/endpoints/chat", "", false)

	// Anchore's API.
	var images []struct{ ImageDigest string }
	must(t, json.Unmarshal(ask("pipeline", "POST", "/v1/images", `{"tag": "`+old+`"}`, true), &images))
	var subscriptions []struct {
		ID string `json:"subscription_id"`
	}
	must(t, json.Unmarshal(ask("pipeline", "GET", "/v1/subscriptions?subscription_type=vuln_update&subscription_key="+url.QueryEscape(old), "", true), &subscriptions))
	ask("pipeline", "PUT", "/v1/subscriptions/"+subscriptions[0].ID, `{"active": true, "subscription_type": "vuln_update", "subscription_key": "`+old+`"}`, true)
	ask("pipeline", "DELETE", "/v1/images/"+images[0].ImageDigest+"?force=true", "", true)

	// A document.
	document := filepath.Join(t.TempDir(), "tagwatch.yaml")
	must(t, os.WriteFile(document, []byte(strings.NewReplacer("RECEIVER", receiver, "TAG", api).Replace(auditedDocument)), 0o600))
	i.do("apply", "-f", document)

	var found []changed
	must(t, json.Unmarshal([]byte(i.do("audit", "-o", "json")), &found))
	var lines []string
	for _, each := range found {
		if each.Action == "feed.sync" { // there is none where it joins the worker's own
			continue
		}
		lines = append(lines, each.line())
		if who := map[string]string{"api": "robot", "anchore": "pipeline"}[each.Via]; who != "" && each.Who != who || each.Who == "" {
			t.Errorf("%s was done by %q", each.line(), each.Who)
		}
	}
	want := strings.Split(strings.TrimSpace(strings.NewReplacer("WEB", web, "API", api, "OLD", old).Replace(auditedChanges)), "\n")
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		t.Errorf("the trail has\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	trail := i.do("audit", "--since", "1h") + i.do("audit", "-o", "json")
	check(t, "the trail", []byte(trail), []string{unaudited})
	text := trail + i.do("endpoint", "list", "-o", "json") + i.log.String()
	must(t, i.Stop()) // so that everything is on disk
	leaks := encodings(planted)
	for _, each := range tokens {
		leaks = append(leaks, each)
	}
	check(t, "what is printed", []byte(text), leaks)
	must(t, filepath.WalkDir(i.DataDir(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			check(t, path, made(os.ReadFile(path))(t), leaks)
		}
		return err
	}))
}

const auditedBundle = `{"id": "audited", "version": "1_0", "name": "audited", "policies": [{"id": "none", "version": "1_0", "name": "none", "rules": []}], "whitelists": [],
  "mappings": [{"id": "all", "name": "all", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["none"], "whitelist_ids": []}],
  "whitelisted_images": [], "blacklisted_images": []}`

const auditedDocument = `owner: team
endpoints:
  - name: declared
    url: RECEIVER
    signing: [env:SIGNING]
`

const auditedChanges = `
cli endpoint.create receiver -x
cli token.create robot -x
cli token.create pipeline -x
cli endpoint.create ops -x
cli endpoint.update ops xx
cli subscription.create WEB -x
cli policy.create audited -x
cli policy.activate audited xx
api endpoint.create chat -x
api endpoint.disable chat xx
api subscription.create API -x
api endpoint.delete chat x-
anchore subscription.create OLD -x
anchore subscription.update OLD xx
anchore subscription.end OLD x-
cli endpoint.create declared -x
cli owner.claim declared -x
`
