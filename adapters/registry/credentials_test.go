package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// locked is a registry for robot with the password hunter2.
func locked(t *testing.T) *lab.Registry {
	t.Helper()
	store := startLab(t)
	push(t, store, "team/app:1", build(t, content(t, "x")))
	store.RequireBasicAuth("robot", "hunter2")
	return store
}

// helper puts a credential helper into the PATH, a script that counts its runs.
func helper(t *testing.T, script string) (runs func() int) {
	t.Helper()
	directory := t.TempDir()
	log := filepath.Join(directory, "log")
	program := writeFile(t, filepath.Join(directory, "docker-credential-lab"), []byte("#!/bin/sh\necho run >>"+log+"\n"+script))
	if err := os.Chmod(program, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", directory+":/usr/bin:/bin")
	return func() int {
		content, _ := os.ReadFile(log) // none is no run
		return strings.Count(string(content), "run")
	}
}

func configure(t *testing.T, format string, arguments ...any) {
	t.Helper()
	writeFile(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), fmt.Appendf(nil, format, arguments...))
}

func TestCredentialsOfAllSources(t *testing.T) {
	const answer = `read server; [ "$server" = "%s" ] || { echo "credentials not found in native keychain"; exit 1; }; echo '{"Username":"robot","Secret":"hunter2"}'`
	right, wrong := basic("robot", "hunter2"), basic("robot", "wrong")
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, host string)
		source  string
	}{
		{"Docker's configuration", func(t *testing.T, host string) { login(t, host, right) }, "file "},
		{"written as a URL", func(t *testing.T, host string) { login(t, "https://"+host+"/v1/", right) }, "file "},
		{"of the repository, not of the registry", func(t *testing.T, host string) {
			configure(t, `{"auths":{%q:{"auth":%q},%q:{"auth":%q},%q:{"auth":%q}}}`, host, wrong, host+"/team", right, host+"/tea", wrong)
		}, "file "},
		{"helper of the registry", func(t *testing.T, host string) {
			helper(t, fmt.Sprintf(answer, host))
			configure(t, `{"credHelpers":{%q:"lab"},"auths":{%q:{"auth":%q}}}`, host, host, wrong)
		}, "helper docker-credential-lab"},
		{"store of all", func(t *testing.T, host string) {
			helper(t, fmt.Sprintf(answer, host))
			configure(t, `{"credsStore":"lab"}`)
		}, "helper docker-credential-lab"},
		{"helper that knows nothing, and a file", func(t *testing.T, host string) {
			helper(t, fmt.Sprintf(answer, "other.example"))
			configure(t, `{"credsStore":"lab","auths":{%q:{"auth":%q}}}`, host, right)
		}, "file "},
		{"variable", func(t *testing.T, host string) {
			login(t, host, wrong)
			t.Setenv("DOCKER_AUTH_CONFIG", fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, right))
		}, "environment DOCKER_AUTH_CONFIG"},
		{"Podman's file by variable", func(t *testing.T, host string) {
			t.Setenv("REGISTRY_AUTH_FILE", writeFile(t, filepath.Join(t.TempDir(), "auth.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host+"/team/app", right)))
		}, "file "},
		{"Podman's file of the session", func(t *testing.T, host string) {
			directory := t.TempDir()
			t.Setenv("XDG_RUNTIME_DIR", directory)
			writeFile(t, filepath.Join(directory, "containers", "auth.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, right))
		}, "file "},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client := locked(t), newClient(t, hurry)
			test.prepare(t, store.Host())
			if _, err := client.Head(t.Context(), reference(t, store.Reference("team/app:1"))); err != nil {
				t.Error(err)
			}
			report, err := client.Check(t.Context(), store.Reference("team/app:1"))
			if err != nil || !report.Works {
				t.Fatalf("check %+v, %v", report, err)
			}
			if at := report.Places[0]; !strings.HasPrefix(at.Credentials, test.source) || at.User != "robot" || strings.Contains(fmt.Sprintf("%+v", report), "hunter2") {
				t.Errorf("credentials %q of %q, want them from %s, and no secret in %+v", at.Credentials, at.User, test.source, report)
			}
		})
	}
}

// What a helper says is used for a while: it is a program to be run.
func TestHelperIsAskedOnce(t *testing.T) {
	store, client := locked(t), newClient(t, hurry)
	built := build(t, content(t, "x"))
	for n := range 20 {
		push(t, store, fmt.Sprintf("other%d:1", n), built)
	}
	runs := helper(t, `echo '{"Username":"robot","Secret":"hunter2"}'`)
	configure(t, `{"credsStore":"lab"}`)
	for n := range 20 {
		if _, err := client.Head(t.Context(), reference(t, store.Reference(fmt.Sprintf("other%d:1", n)))); err != nil {
			t.Fatal(err)
		}
	}
	if runs() != 1 {
		t.Errorf("the helper ran %d times for 20 repositories", runs())
	}
	// Once they are refused, it is asked again.
	store.RequireBasicAuth("robot", "changed")
	helper(t, `echo '{"Username":"robot","Secret":"changed"}'`)
	if _, err := client.Head(t.Context(), reference(t, store.Reference("other1:1"))); err != nil {
		t.Errorf("changed credentials: %v", err)
	}
}

// Whatever is wrong with credentials is wrong for all repositories of a
// registry: it is the registry that cannot be asked, and the error says why and
// what to do, without anything that a helper printed.
func TestCredentialsThatDoNotWork(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, host string)
		says    []string
	}{
		{"wrong password", func(t *testing.T, host string) { login(t, host, basic("robot", "swordfish")) },
			[]string{"were rejected", "user robot", "config.json", "docker login"}},
		{"helper that is missing", func(t *testing.T, _ string) { configure(t, `{"credsStore":"absent"}`) },
			[]string{"docker-credential-absent is not in the PATH"}},
		{"helper that fails", func(t *testing.T, _ string) {
			helper(t, "echo swordfish; echo swordfish >&2; exit 3")
			configure(t, `{"credsStore":"lab"}`)
		}, []string{"docker-credential-lab fails", "exit status 3", "| docker-credential-lab get"}},
		{"helper that babbles", func(t *testing.T, _ string) {
			helper(t, "echo swordfish")
			configure(t, `{"credsStore":"lab"}`)
		}, []string{"form of the protocol"}},
		{"helper with a wrong password", func(t *testing.T, _ string) {
			helper(t, `echo '{"Username":"robot","Secret":"swordfish"}'`)
			configure(t, `{"credsStore":"lab"}`)
		}, []string{"were rejected", "helper docker-credential-lab"}},
		{"helper that is no name", func(t *testing.T, _ string) { configure(t, `{"credsStore":"../../bin/sh"}`) }, []string{"not a program name"}},
		{"broken configuration", func(t *testing.T, _ string) { configure(t, `{"auths":{"a":{"auth":"swordfish"}`) }, []string{"read Docker's configuration", "config.json"}},
		{"broken entry", func(t *testing.T, _ string) { configure(t, `{"auths":{"a":{"auth":"sword fish"}}}`) }, []string{"read Docker's configuration", "config.json"}},
		{"broken variable", func(t *testing.T, _ string) { t.Setenv("DOCKER_AUTH_CONFIG", "swordfish") }, []string{"DOCKER_AUTH_CONFIG is not a Docker configuration"}},
	} {
		for _, kind := range []string{"basic", "token"} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				store, client := locked(t), newClient(t, hurry)
				if kind == "token" {
					store.RequireTokens(tokens(t, nil, "robot", "hunter2", ""))
				}
				test.prepare(t, store.Host())
				ref := reference(t, store.Reference("team/app:1"))
				_, err := client.Head(t.Context(), ref)
				for _, part := range append(test.says, store.Host()) {
					if err == nil || !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "fish") {
						t.Errorf("error %v, want errkind.Unavailable that says %q", err, part)
					}
				}
				store.Forget()
				_, failures := poll(t, client, times(reference(t, store.Reference("other/app:1")), 100))
				if len(failures) != 100 || len(store.Calls()) != 0 || errors.Is(failures[0], errkind.Unauthorized) {
					t.Errorf("others: %d failures with %d requests: %v", len(failures), len(store.Calls()), failures[0])
				}
				report, err := client.Check(t.Context(), store.Reference("team/app:1"))
				if err != nil || report.Works || !strings.Contains(report.Places[0].Login.Problem, test.says[0]) || strings.Contains(fmt.Sprintf("%+v", report), "fish") {
					t.Errorf("check: %+v, %v", report, err)
				}
				// Once it is put right, a check is enough.
				os.Unsetenv("DOCKER_AUTH_CONFIG")
				login(t, store.Host(), basic("robot", "hunter2"))
				if report, err := client.Check(t.Context(), store.Host()); err != nil || !report.Works {
					t.Errorf("check: %+v, %v", report, err)
				}
				if _, err := client.Head(t.Context(), ref); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
}

// A repository that may not be read is that one's trouble.
func TestDeniedRepositoryIsNoBrokenHost(t *testing.T) {
	store, client := locked(t), newClient(t, hurry)
	push(t, store, "secret/app:1", build(t, content(t, "x")))
	login(t, store.Host(), basic("robot", "hunter2"))
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		lift := store.Fail(lab.Fault{Path: "/secret/", Status: status})
		if _, err := client.Head(t.Context(), reference(t, store.Reference("secret/app:1"))); !errors.Is(err, errkind.Unauthorized) {
			t.Errorf("denied: %v", err)
		}
		if _, err := client.Head(t.Context(), reference(t, store.Reference("team/app:1"))); err != nil {
			t.Errorf("another: %v", err)
		}
		lift()
	}
}

func TestCheck(t *testing.T) {
	store := locked(t)
	file := writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), fmt.Appendf(nil,
		"[[registry]]\nprefix='hub.example'\nlocation=%q\n[[registry.mirror]]\nlocation='127.0.0.1:1/cache'\n[[registry]]\nprefix='blocked.example'\nblocked=true\n[tagwatch.host.%q]\nrequests-per-second=3.5\nconcurrency=2\n",
		store.Host(), store.Host()))
	client := newClient(t, registry.Options{File: file})
	login(t, store.Host(), basic("robot", "hunter2"))
	store.Allow(lab.Quota{Limit: 100, Window: 21600e9})

	report := must(client.Check(t.Context(), "hub.example/team/app:1"))(t)
	if !report.Works || report.File != file || report.Section != "registry[0]" || len(report.Places) != 2 {
		t.Fatalf("report %+v", report)
	}
	mirror, at := report.Places[0], report.Places[1]
	if !mirror.Mirror || mirror.InOrder() || mirror.Path != "cache/team/app" || !strings.Contains(mirror.Answer.Problem, "refuses connections") {
		t.Errorf("mirror %+v", mirror)
	}
	if at.URL != store.URL() || at.Authentication != "basic" || at.Digest == "" || at.RateLimit.RequestsPerSecond != 3.5 || at.RateLimit.Concurrency != 2 ||
		at.RateLimit.Limit != 100 || at.RateLimit.Remaining != 100 {
		t.Errorf("place %+v", at)
	}
	if report := must(client.Check(t.Context(), "blocked.example"))(t); report.Works || !strings.Contains(report.Problem, "blocked by registry[1]") {
		t.Errorf("blocked: %+v", report)
	}
	if report := must(client.Check(t.Context(), "hub.example/team/app:none"))(t); report.Works || !strings.Contains(report.Places[1].Tag.Problem, "404") {
		t.Errorf("missing tag: %+v", report.Places[1])
	}
	for _, name := range []string{"", "two words", "nginx:1.27", "https://hub.example", "hub.example/App"} {
		if _, err := client.Check(t.Context(), name); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%q: %v, want errkind.Invalid", name, err)
		}
	}
}

// Many who find out at the same time that credentials are refused all conclude
// the same.
func TestRefusalIsNotifiedTheSameToAll(t *testing.T) {
	for range 20 {
		store, client := locked(t), newClient(t, hurry)
		login(t, store.Host(), basic("robot", "hunter2"))
		refs := times(reference(t, store.Reference("team/app:1")), 40)
		if answered, failures := poll(t, client, refs); answered != len(refs) {
			t.Fatal(failures)
		}
		store.RequireBasicAuth("robot", "changed")
		_, failures := poll(t, client, refs)
		for _, err := range failures {
			if errors.Is(err, errkind.Unauthorized) || !errors.Is(err, errkind.Unavailable) {
				t.Fatalf("one of %d: %v", len(failures), err)
			}
		}
	}
}

// A repository that may not be read costs one request a check, not a login.
func TestDeniedRepositoryIsCheap(t *testing.T) {
	store, service, client := locked(t), tokens(t, nil, "robot", "hunter2", ""), newClient(t, hurry)
	store.RequireTokens(service)
	login(t, store.Host(), basic("robot", "hunter2"))
	store.Fail(lab.Fault{Path: "/team/app/", Status: http.StatusForbidden})
	ref := reference(t, store.Reference("team/app:1"))
	_, _ = poll(t, client, times(ref, 1))
	if _, failures := poll(t, client, times(ref, 1)); len(failures) != 1 || !errors.Is(failures[0], errkind.Unauthorized) {
		t.Fatal(failures)
	}
	issued := service.Issued("")
	store.Forget()
	_, _ = poll(t, client, times(ref, 50))
	if len(store.Calls()) != 50 || service.Issued("") != issued {
		t.Errorf("%d requests and %d tokens for 50 checks", len(store.Calls()), service.Issued("")-issued)
	}
	// Other credentials are tried at once.
	store.Heal()
	service.Admit("admin", "swordfish", "")
	store.Fail(lab.Fault{Path: "/team/app/", Status: http.StatusForbidden, Times: 1})
	login(t, store.Host(), basic("admin", "swordfish"))
	if answered, failures := poll(t, client, times(ref, 1)); answered != 1 {
		t.Errorf("after another login: %v", failures)
	}
}
