package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
)

// contents asks for what only a supplied Dockerfile, a malware scanner and a
// package registry can tell.
const contents = `{"id": "contents", "version": "1_0", "name": "Contents",
  "policies": [{"id": "p", "version": "1_0", "name": "p", "rules": [
    {"id": "1", "gate": "dockerfile", "trigger": "no_dockerfile_provided", "action": "WARN", "params": []},
    {"id": "2", "gate": "dockerfile", "trigger": "instruction", "action": "WARN", "params": [
      {"name": "instruction", "value": "MAINTAINER"}, {"name": "check", "value": "exists"}, {"name": "actual_dockerfile_only", "value": "true"}]},
    {"id": "3", "gate": "malware", "trigger": "scans", "action": "WARN", "params": []},
    {"id": "4", "gate": "malware", "trigger": "scan_not_run", "action": "WARN", "params": []},
    {"id": "5", "gate": "npms", "trigger": "newer_version_in_feed", "action": "STOP", "params": []}]}],
  "whitelists": [], "whitelisted_images": [], "blacklisted_images": [],
  "mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": []}]}`

// TestPoliciesSeeWhatIsConfigured: a Dockerfile, a scanner and a package
// registry are asked where they are there, and their absence shows where not.
func TestPoliciesSeeWhatIsConfigured(t *testing.T) {
	t.Parallel()
	clamd := os.Getenv("TAGWATCH_TEST_CLAMD")
	if clamd == "" {
		t.Fatal("TAGWATCH_TEST_CLAMD is not set: make test starts a ClamAV daemon and sets it")
	}
	npm := made(lab.Serve(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name": "lodash", "dist-tags": {"latest": "4.17.21"}, "versions": {"4.17.20": {}, "4.17.21": {}}}`))
	})))(t)
	t.Cleanup(func() { npm.Close() })
	dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
	must(t, os.WriteFile(dockerfile, []byte("FROM debian:12\nMAINTAINER nobody\nCOPY infected /srv/\n"), 0o600))
	for _, c := range []struct {
		name     string
		settings []string
		options  []string
		fired    []string // as far as the inventory alone decides
		status   string   // with what the package registry knows
	}{
		{name: "nothing configured", fired: []string{"no_dockerfile_provided", "scan_not_run"}, status: "pass"},
		{name: "everything configured", settings: []string{"TAGWATCH_CLAMD=" + clamd, "TAGWATCH_NPM_REGISTRY=" + npm.URL()},
			options: []string{"--dockerfile", dockerfile}, fired: []string{"instruction", "scans"}, status: "fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := install(t, c.settings...)
			i.do("policy", "add", "--activate", i.file("bundle.json", contents))
			reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...), lab.Node("/srv/app", lab.NodeModule{Name: "lodash", Version: "4.17.20"}),
				lab.Copy("/srv/infected", lab.Text("/srv/infected", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$"+"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")))
			i.do(append([]string{"subscribe", "--wait", reference}, c.options...)...)
			if got := i.fired(reference); !slices.Equal(got, c.fired) {
				t.Errorf("rules fired (-want +got)\n%s", cmp.Diff(c.fired, got))
			}
			if got := i.status(reference); got != c.status {
				t.Errorf("policy status %q, want %q", got, c.status)
			}
		})
	}
}

// file writes a file for a command.
func (i *installation) file(name, content string) string {
	i.t.Helper()
	path := filepath.Join(i.t.TempDir(), name)
	must(i.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// status is the policy status that the worker recorded.
func (i *installation) status(reference string) string {
	i.t.Helper()
	var status struct {
		Policy string `json:"policy_status"`
	}
	must(i.t, json.Unmarshal([]byte(i.do("status", reference, "-o", "json")), &status))
	return status.Policy
}

// fired are the triggers that fire for a tag, sorted and each once.
func (i *installation) fired(reference string) []string {
	i.t.Helper()
	evaluated := made(i.Run(i.t.Context(), "evaluate", reference, "-o", "json"))(i.t)
	var document struct {
		Result map[string]json.RawMessage
	}
	must(i.t, json.Unmarshal([]byte(evaluated.Out), &document))
	var triggers []string
	for _, table := range document.Result {
		var rows struct{ Result struct{ Rows [][]any } }
		if json.Unmarshal(table, &rows) != nil {
			continue // one of Anchore's fixed keys beside the table
		}
		for _, row := range rows.Result.Rows {
			triggers = append(triggers, row[4].(string))
		}
	}
	slices.Sort(triggers)
	return slices.Compact(triggers)
}
