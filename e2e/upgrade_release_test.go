package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdk "go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// TestUpgrade starts the last release with two workers, fills it, and replaces them one
// by one by the current ones while tags move and the policy and the data change. It goes
// back once, and forward again. Everything that happens is notified once, with its cause.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t)
	api, other, web, job := u.at("shop/api:1"), u.at("shop/api:2"), u.at("shop/web:1.0"), u.at("shop/job:1")
	u.fill()
	u.balance("what the release begins with", due{"analysis_update", api, "image"}, due{"analysis_update", other, "image"},
		due{"analysis_update", web, "image"}, due{"analysis_update", job, "image"})

	u.push("shop/api:1", fixedOpenSSL()...)
	u.during(func() { u.replaceBeside(u.current) }, "rescan", api)
	u.balance("a move while one worker is replaced", due{"tag_update", api, "image"}, due{"analysis_update", api, "image"},
		due{"vuln_update", api, "image"}, due{"policy_eval", api, "image"})

	u.during(func() { u.replaceOwn(u.current) }, "policy", "add", "--activate", u.file("lenient.json", bundleThat("WARN")))
	u.balance("a policy while the other one is", due{"policy_eval", other, "policy"}, due{"policy_eval", web, "policy"}, due{"policy_eval", job, "policy"})

	made(u.feed.PublishBuild(t.TempDir(), openssl, feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: "High"}))(t)
	u.during(func() { u.replaceBeside(u.release) }, "feed", "sync")
	u.balance("data while one goes back", due{"vuln_update", api, "feed"}, due{"vuln_update", other, "feed"}, due{"vuln_update", web, "feed"}, due{"vuln_update", job, "feed"})

	u.push("shop/api:2", fixedOpenSSL()...)
	u.during(func() { u.replaceBeside(u.current) }, "rescan", other)
	u.balance("a move while it goes forward again", due{"tag_update", other, "image"}, due{"analysis_update", other, "image"}, due{"vuln_update", other, "image"})

	newest := u.push("shop/web:1.1", lab.Debian(lab.Bookworm()...))
	u.do("repository", "update", u.at("shop/web")) // lists at once
	u.replaceAll()
	u.balance("a new tag while Temporal and the command line are replaced", due{"repo_update", u.at("shop/web"), "image"}, due{"analysis_update", newest, "image"})

	u.noTaskFailed()
	u.eventually("the doctor finds everything well", u.isWell) // lists of workflows lag behind a little
	u.balance("nothing else")
}

// due is a notification that must come.
type due struct{ kind, key, cause string }

// upgrade is an installation of the last release on its way to the current commit.
type upgrade struct {
	*installation
	release, current string // folders of programs
	programs         string // the one that tagwatch up is in
	settings         []string
	beside           *besideWorker
	owed             map[due]int
}

func newUpgrade(t *testing.T) *upgrade {
	t.Helper()
	release := os.Getenv("TAGWATCH_TEST_RELEASE")
	if release == "" {
		t.Fatal("TAGWATCH_TEST_RELEASE is not set: .ci/release-programs.sh prints the folder with the programs of the last release")
	}
	u := &upgrade{installation: counterparts(t), release: release, current: bin(t), programs: t.TempDir(), owed: map[due]int{}}
	version := u.version(u.release)
	if version == u.version(u.current) {
		t.Fatalf("the release and the current commit both have the version %s", version)
	}
	if _, err := os.Stat("testdata/recorded/" + version); err != nil && version != "0.0.0" {
		t.Errorf("the databases of the release are not recorded: VERSION=%s e2e/testdata/record.sh", version)
	}
	u.settings = []string{"TAGWATCH_SOURCE_PATHS=" + t.TempDir()}
	if database := databases(t)["PostgreSQL"]; database != "" {
		u.settings = append(u.settings, "TAGWATCH_DATABASE_URL="+database)
	}
	u.use(u.release, "tagwatch", "tagwatch-temporal", "tagwatch-worker")
	u.installation = u.startFrom(u.programs, t.TempDir(), u.settings...)
	u.replaceBeside(u.release)
	return u
}

// at is the full reference of what is at the registry.
func (u *upgrade) at(name string) string { return u.registry.Host() + "/" + name }

// fill gives the release tags, a repository, a source, a policy and an endpoint.
func (u *upgrade) fill() {
	u.t.Helper()
	u.do("endpoint", "add", "receiver", u.receiver.URL())
	u.do("policy", "add", "--activate", u.file("strict.json", bundleThat("STOP")))
	made(u.feed.PublishBuild(u.t.TempDir(), openssl))(u.t)
	u.do("feed", "sync")
	for _, name := range []string{"shop/api:1", "shop/api:2", "shop/web:1.0", "shop/job:1"} {
		u.push(name, lab.Debian(lab.Bookworm()...), lab.Env("NAME", name))
	}
	u.do("subscribe", "--wait", u.at("shop/api:1"), u.at("shop/api:2"))
	u.do("repository", "watch", u.at("shop/web"))
	list := filepath.Join(strings.TrimPrefix(u.settings[0], "TAGWATCH_SOURCE_PATHS="), "images.txt")
	must(u.t, os.WriteFile(list, []byte(u.at("shop/job:1")), 0o600))
	u.do("source", "add", "jobs", "file", list)
}

var openssl = feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-1001", Package: "openssl", Fixed: "3.0.11-1", Severity: "High"}

// fixedOpenSSL is the system without that vulnerability.
func fixedOpenSSL() []lab.Part {
	packages := lab.Bookworm()
	for i, p := range packages {
		if p.Name == "openssl" || p.Source == "openssl" {
			packages[i].Version = "3.0.11-1"
		}
	}
	return []lab.Part{lab.Debian(packages...)}
}

// bundleThat is a policy with that action for a High vulnerability.
func bundleThat(action string) string {
	return strings.ReplaceAll(`{"id": "shop", "version": "1_0", "name": "shop",
  "policies": [{"id": "high", "version": "1_0", "name": "high", "rules": [{"id": "h", "gate": "vulnerabilities", "trigger": "package", "action": "ACTION", "params": [
    {"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]}]}],
  "whitelists": [], "whitelisted_images": [], "blacklisted_images": [],
  "mappings": [{"id": "m", "name": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["high"], "whitelist_ids": []}]}`,
		"ACTION", action)
}

// during runs a command that changes something, and replaces programs meanwhile.
func (u *upgrade) during(replace func(), arguments ...string) {
	u.t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := u.Do(u.t.Context(), arguments...)
		ended <- err
	}()
	replace()
	must(u.t, <-ended)
}

// balance waits until everything that is owed by now has come, once, and nothing else.
func (u *upgrade) balance(what string, more ...due) {
	u.t.Helper()
	for _, d := range more {
		u.owed[d]++
	}
	want := 0
	for n := range maps.Values(u.owed) {
		want += n
	}
	ctx, cancel := context.WithTimeout(u.t.Context(), patience)
	defer cancel()
	var found map[string]received
	for seen := want; ; seen++ {
		hooks, err := u.receiver.WaitFor(ctx, seen)
		if found = byID(u.t, hooks); len(found) >= want || err != nil {
			break
		}
	}
	got := map[due]int{}
	for _, n := range found {
		got[due{n.Kind, n.Data.Payload.Key, n.Data.Payload.Cause}]++
	}
	if diff := cmp.Diff(u.owed, got, cmp.AllowUnexported(due{})); diff != "" {
		u.t.Fatalf("%s: the ledger does not balance (-owed +notified)\n%s", what, diff)
	}
}

// replaceBeside replaces the worker beside tagwatch up. One of the release may refuse
// a database that the current commit has migrated.
func (u *upgrade) replaceBeside(programs string) {
	u.t.Helper()
	if u.beside != nil {
		u.beside.stop()
	}
	u.beside = u.startBeside(programs, u.settings...)
	version := u.version(programs)
	u.eventually("the worker "+version+" is ready", func() bool {
		select {
		case <-u.beside.ended:
			if programs == u.release && strings.Contains(u.beside.log.String(), "a newer Tagwatch has used it") {
				u.t.Logf("the release refuses the database of the current commit")
				u.beside.failed, u.beside = nil, nil
				return true
			}
			u.t.Fatalf("the worker %s ended:\n%s", version, u.beside.log)
		default:
		}
		return serves(u.beside.listen, version)
	})
}

// replaceOwn replaces the worker that tagwatch up runs, as an operator does.
func (u *upgrade) replaceOwn(programs string) {
	u.t.Helper()
	u.use(programs, "tagwatch-worker")
	must(u.t, syscall.Kill(made(u.Pid("tagwatch-worker"))(u.t), syscall.SIGTERM))
	version := u.version(programs)
	u.eventually("its worker is "+version, func() bool { return serves(u.Listen(), version) })
}

// replaceAll stops tagwatch up and starts the current one on the same data.
func (u *upgrade) replaceAll() {
	u.t.Helper()
	must(u.t, u.Stop())
	u.use(u.current, "tagwatch", "tagwatch-temporal")
	must(u.t, u.Start(u.t.Context()))
}

// use puts programs into the folder of tagwatch up, where older ones may be running. Only
// tagwatch is a copy: it looks for the others beside the file that it really is.
func (u *upgrade) use(from string, names ...string) {
	u.t.Helper()
	for _, name := range names {
		program, path := filepath.Join(from, name), filepath.Join(u.programs, name)
		if name == "tagwatch" {
			must(u.t, os.WriteFile(path+".new", made(os.ReadFile(program))(u.t), 0o755))
		} else {
			must(u.t, os.Symlink(program, path+".new"))
		}
		must(u.t, os.Rename(path+".new", path))
	}
}

// version is what the worker of a folder says it is.
func (u *upgrade) version(programs string) string {
	u.t.Helper()
	words := strings.Fields(string(made(exec.CommandContext(u.t.Context(), filepath.Join(programs, "tagwatch-worker"), "--version").Output())(u.t)))
	return words[len(words)-1]
}

var buildInfo = regexp.MustCompile(`tagwatch_build_info\{.*version="([^"]*)"`)

// serves reports whether a worker of that version is ready at an address.
func serves(listen, version string) bool {
	for path, so := range map[string]func(body []byte) bool{
		"/readyz": func([]byte) bool { return true },
		"/metrics": func(body []byte) bool {
			found := buildInfo.FindSubmatch(body)
			return found != nil && string(found[1]) == version
		},
	} {
		response, err := http.Get("http://" + listen + path)
		if err != nil {
			return false
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !so(body) {
			return false
		}
	}
	return true
}

// isWell reports whether the doctor finds nothing wrong, but for the disk of this machine.
func (u *upgrade) isWell() bool {
	u.t.Helper()
	answer := made(u.Run(u.t.Context(), "doctor", "-o", "json"))(u.t)
	var found diagnosis
	must(u.t, json.Unmarshal([]byte(answer.Out), &found))
	for _, check := range found.Checks {
		if check.Result != "ok" && check.Subject != "disk" {
			u.t.Logf("%+v", check)
			return false
		}
	}
	return answer.Code == 0
}

// noTaskFailed makes sure that every version understood the histories of the other.
func (u *upgrade) noTaskFailed() {
	u.t.Helper()
	temporal := u.temporal()
	counted := made(temporal.CountWorkflow(u.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: client.StuckQuery}))(u.t)
	if counted.GetCount() != 0 {
		u.t.Errorf("tasks of %d workflows fail", counted.GetCount())
	}
	var token []byte
	for {
		page := made(temporal.ListWorkflow(u.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: token}))(u.t)
		for _, execution := range page.GetExecutions() {
			u.understood(temporal, execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId())
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return
		}
	}
}

// understood looks for failed tasks in a history. That a task ended while something
// arrived, or had to wait for a busy machine, is not a failure of the workflow.
func (u *upgrade) understood(temporal sdk.Client, id, run string) {
	u.t.Helper()
	history := temporal.GetWorkflowHistory(u.t.Context(), id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		failed := made(history.Next())(u.t).GetWorkflowTaskFailedEventAttributes()
		if failed != nil && failed.GetCause() != enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND &&
			!strings.Contains(failed.GetFailure().GetMessage(), "Potential deadlock") {
			u.t.Errorf("a task of %s failed: %s: %s", id, failed.GetCause(), failed.GetFailure().GetMessage())
		}
	}
}
