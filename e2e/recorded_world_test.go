package e2e_test

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/feed"
)

// Addresses of the counterparts in a recorded database. They are below the ports that
// Linux gives out by itself.
const (
	recordedRegistry = "127.0.0.1:20510"
	recordedReceiver = "127.0.0.1:20511"
)

var zlib = feed.Vulnerability{Provider: feed.Debian, ID: "CVE-2026-2002", Package: "zlib", Severity: "High"}

// recorded is an installation whose counterparts are at the recorded addresses.
type recorded struct {
	*installation
	folder string // of files that sources and declarations name
}

// recordedCounterparts are those of a recorded database. One test at a time can have them.
func recordedCounterparts(t *testing.T) *recorded {
	t.Helper()
	r := &recorded{installation: counterparts(t), folder: "/tmp/tagwatch-recorded"}
	must(t, os.MkdirAll(r.folder, 0o755))
	t.Cleanup(func() { must(t, os.RemoveAll(r.folder)) })
	serveAt(t, recordedRegistry, r.registry.URL())
	serveAt(t, recordedReceiver, r.receiver.URL())
	for _, name := range []string{"shop/api:1", "shop/api:2", "shop/web:1.0", "shop/job:1", "shop/gone:1"} {
		r.push(name, lab.Debian(lab.Bookworm()...), lab.Env("NAME", name))
	}
	return r
}

// serveAt passes the requests to an address on to a server.
func serveAt(t *testing.T, address, server string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("recorded databases name %s, which has to be free: %v", address, err)
	}
	relay := &http.Server{Handler: httputil.NewSingleHostReverseProxy(made(url.Parse(server))(t))}
	go func() { _ = relay.Serve(listener) }() // ends with an error when it is closed
	t.Cleanup(func() { must(t, relay.Close()) })
}

// settings keep what is recorded from being too old, whenever it is read.
func (r *recorded) settings(database string) []string {
	const century = "876000h"
	return append(databaseSetting(database), "TAGWATCH_RETENTION="+century, "TAGWATCH_AUDIT_RETENTION="+century, "TAGWATCH_FEED_MAX_AGE=0",
		"TAGWATCH_SOURCE_PATHS="+r.folder, "USER=operator")
}

// at is the full reference of what is at the recorded registry.
func (r *recorded) at(name string) string { return recordedRegistry + "/" + name }

// file writes a file and returns its path.
func (r *recorded) file(name, content string) string {
	r.t.Helper()
	path := filepath.Join(r.folder, name)
	must(r.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// fill gives an installation some of everything that a database keeps, and waits until
// it is at rest.
func (r *recorded) fill() {
	r.t.Helper()
	r.receiver.Fail(lab.Fault{Path: "/late", Status: http.StatusServiceUnavailable})
	r.configure()
	r.do("subscribe", r.at("shop/api:1"), r.at("shop/api:2"), "--label", "team=shop")
	r.do("subscribe", r.at("shop/gone:1"), "--min-severity", "high", "--fixable-only")
	r.do("repository", "watch", r.at("shop/web"))
	r.do("source", "add", "jobs", "file", r.file("images.txt", r.at("shop/job:1")))
	for _, name := range []string{"shop/api:1", "shop/api:2", "shop/gone:1", "shop/web:1.0", "shop/job:1"} {
		r.reaches(due{"analysis_update", r.at(name), "image"})
	}

	r.push("shop/api:1", fixedOpenSSL()...)
	r.do("rescan", r.at("shop/api:1"))
	r.reaches(due{"tag_update", r.at("shop/api:1"), "image"}, due{"vuln_update", r.at("shop/api:1"), "image"}, due{"policy_eval", r.at("shop/api:1"), "image"})
	r.do("policy", "add", "--activate", r.file("lenient.json", bundleThat("WARN")))
	r.reaches(due{"policy_eval", r.at("shop/api:2"), "policy"})
	made(r.feed.PublishBuild(r.t.TempDir(), openssl, zlib))(r.t)
	r.do("feed", "sync")
	r.reaches(due{"vuln_update", r.at("shop/api:2"), "feed"})
	r.do("accept", "CVE-2026-2002", "--until", "fixed", "--reason", "not reachable", "--owner", "shop")
	r.push("shop/web:1.1", lab.Debian(lab.Bookworm()...))
	r.do("repository", "update", r.at("shop/web"))
	r.reaches(due{"repo_update", r.at("shop/web"), "image"}, due{"analysis_update", r.at("shop/web:1.1"), "image"})

	must(r.t, r.registry.Delete(r.t.Context(), "shop/gone:1"))
	made(r.Run(r.t.Context(), "rescan", r.at("shop/gone:1")))(r.t) // fails: it is gone
	r.do("unsubscribe", r.at("shop/api:2"), "--type", "policy_eval")
	r.eventually("it is known that the tag is gone", func() bool { return strings.Contains(r.do("status", "-o", "json"), `"NotFound"`) })
	r.eventually("the late endpoint was tried", func() bool { return len(r.installation.at("/late")) > 0 })
}

// configure adds the endpoints, the policies, the vulnerability data and a token.
func (r *recorded) configure() {
	r.t.Helper()
	r.do("endpoint", "add", "receiver", "http://"+recordedReceiver)
	r.do("endpoint", "add", "late", "http://"+recordedReceiver+"/late", "--type", "analysis_update", "--format", "cloudevents")
	r.do("endpoint", "add", "daily", "http://"+recordedReceiver+"/daily", "--digest", "24h")
	r.do("endpoint", "add", "log", "http://"+recordedReceiver+"/log", "--type", "event_log", "--when", "severity >= high || known_exploited")
	r.do("policy", "add", "--activate", r.file("strict.json", bundleThat("STOP")))
	r.do("token", "create", "dashboard", "--scope", "read", "--subject", "*/shop/*")
	made(r.feed.PublishBuild(r.t.TempDir(), openssl))(r.t)
	r.do("feed", "sync")
	r.do("apply", "-f", r.file("shop.yaml", "owner: shop\nendpoints:\n  - {name: declared, url: \"http://"+recordedReceiver+"/declared\", types: [policy_eval]}\n"))
}

// reaches waits until the receiver has got these notifications.
func (r *recorded) reaches(expected ...due) {
	r.t.Helper()
	for _, want := range expected {
		r.eventually(want.kind+" of "+want.key+" arrives", func() bool {
			for _, n := range byID(r.t, r.installation.at("/")) {
				if want == (due{n.Kind, n.Data.Payload.Key, n.Data.Payload.Cause}) {
					return true
				}
			}
			return false
		})
	}
}

// answers are what the command line says of the database alone, without Temporal.
func (r *recorded) answers() map[string]string {
	r.t.Helper()
	said := map[string]string{}
	for name, arguments := range map[string][]string{
		"subscriptions": {"subscriptions"}, "status": {"status"}, "status of a tag": {"status", r.at("shop/api:1")},
		"vulnerabilities": {"vulnerabilities", r.at("shop/api:2")}, "evaluation": {"evaluate", r.at("shop/api:1")},
		"repositories": {"repository", "list"}, "sources": {"source", "list"}, "endpoints": {"endpoint", "list"},
		"notifications": {"notifications"}, "deliveries": {"deliveries"}, "policies": {"policy", "list"}, "bundle": {"policy", "get"},
		"versions": {"policy", "history", "shop"}, "acceptances": {"accept", "list"}, "data": {"feed", "status"}, "tokens": {"token", "list"},
		"audit": {"audit"}, "affected": {"affected", "openssl"}, "explanation": {"explain", r.at("shop/api:2"), "--not", "policy_eval"}, "declaration": {"export"},
		"endpoint": {"endpoint", "show", "daily"}, "sbom": {"sbom", r.at("shop/api:1")},
	} {
		if name != "bundle" && name != "sbom" {
			arguments = append(arguments, "-o", "json")
		}
		command := r.Command(r.t.Context(), "tagwatch", arguments...)
		command.Env = append(command.Env, "TEMPORAL_ADDRESS=127.0.0.1:1")
		var complaint strings.Builder
		command.Stderr = &complaint
		out, err := command.Output()
		if err != nil && len(out) == 0 {
			r.t.Errorf("%v: %v: %s", arguments, err, complaint.String())
		}
		said[name] = string(out)
	}
	return said
}
