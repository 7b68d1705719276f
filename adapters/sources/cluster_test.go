package sources_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
)

// clusterAt is an API server with the objects of testdata/cluster.yaml, and a source of it.
func clusterAt(t *testing.T) (*lab.Cluster, source.Source) {
	t.Helper()
	c, err := lab.NewCluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	text, err := os.ReadFile("testdata/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var object lab.Object
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		list := object["list"].(string)
		delete(object, "list")
		c.Put(list, object)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(c.Kubeconfig()), 0o600); err != nil {
		t.Fatal(err)
	}
	return c, source.Source{Name: "prod", Kind: source.Kubernetes, Paths: []string{file}}
}

func workloads(t *testing.T, s source.Source) ([]source.Found, error) {
	t.Helper()
	reading, err := reader(t, filepath.Dir(s.Paths[0])).Read(t.Context(), s, "")
	return reading.Found, err
}

// describeRunning is describe with what runs there, and the secrets to pull it.
func describeRunning(f source.Found) string {
	line := describe(f, "no folder")
	for _, w := range f.Workloads {
		for _, r := range w.Running {
			line += fmt.Sprintf(" runs %dx %.8s", r.Count, strings.TrimPrefix(string(r.Digest), "sha256:"))
		}
	}
	if len(f.PullSecrets) > 0 {
		line += " pulled with " + strings.Join(f.PullSecrets, ", ")
	}
	return line
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	_, s := clusterAt(t)
	found, err := workloads(t, s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, each := range found {
		got = append(got, describeRunning(each))
	}
	types := " with {Watch: Types:[tag_update vuln_update] Endpoints:[] When: Interval:0s}"
	want := []string{
		"cronjob shop/report: container report | ghcr.io/shop/report:1 | bad_label: label tagwatch/typo is not known; known are tagwatch/watch, tagwatch/types, tagwatch/endpoints, tagwatch/when, tagwatch/interval",
		"daemonset kube-system/node: container node | quay.io/prometheus/node-exporter:v1.9.0@sha256:3333333333333333333333333333333333333333333333333333333333333333 | -> quay.io/prometheus/node-exporter:v1.9.0 pinned to 333333333333 with {Watch: Types:[] Endpoints:[] When: Interval:10m0s}",
		"deployment shop/web: container log | fluent/fluent-bit | -> docker.io/fluent/fluent-bit:latest@linux/arm64" + types + " pulled with shop/registry",
		"deployment shop/web: container proxy | istio/proxyv2:1.27 | -> docker.io/istio/proxyv2:1.27" + types,
		"deployment shop/web: container web | ghcr.io/shop/web:1 | -> ghcr.io/shop/web:1" + types + " runs 2x 11111111 runs 1x 22222222",
		"deployment shop/web: container web | ghcr.io/shop/web:2 | -> ghcr.io/shop/web:2@linux/arm64" + types + " pulled with shop/registry",
		"deployment shop/web: ephemeral container debug | busybox:1.37 | -> docker.io/busybox:1.37" + types + " runs 1x 55555555",
		"deployment shop/web: init container migrate | ghcr.io/shop/migrate:2 | -> ghcr.io/shop/migrate:2@linux/arm64" + types + " pulled with shop/registry",
		"job shop/import: container import | ghcr.io/shop/import:1 | -> ghcr.io/shop/import:1",
		"pod kube-system/etcd-node1: container etcd | registry.k8s.io/etcd:3.6.4-0 | -> registry.k8s.io/etcd:3.6.4-0 runs 1x 44444444",
		"pod shop/once: container once | {{ image }} | template with {Watch:true Types:[] Endpoints:[] When: Interval:0s}",
		"replicaset shop/bare: container bare | ghcr.io/shop/bare:1 | -> ghcr.io/shop/bare:1",
		"replicationcontroller shop/old: container old | ghcr.io/shop/old:1 | built: its pull policy is Never",
		"rollout shop/canary: container canary | ghcr.io/shop/canary:0.9 | -> ghcr.io/shop/canary:0.9 runs 1x 66666666",
		"rollout shop/canary: container canary | ghcr.io/shop/canary:1 | -> ghcr.io/shop/canary:1",
		"statefulset shop/db: container db | postgres:18 | off with {Watch:false Types:[] Endpoints:[] When: Interval:0s}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got)\n%s", diff)
	}
}

func TestKubernetesScope(t *testing.T) {
	t.Parallel()
	c, s := clusterAt(t)
	for name, test := range map[string]struct {
		cluster source.Cluster
		found   int
		kind    error
	}{
		"one namespace":                   {source.Cluster{Namespaces: []string{"kube-system"}}, 2, nil},
		"two":                             {source.Cluster{Namespaces: []string{"kube-system", "shop"}}, 16, nil},
		"workloads by their labels":       {source.Cluster{Selector: "team in (a,b)"}, 8, nil},
		"a context":                       {source.Cluster{Context: "lab"}, 16, nil},
		"no such context":                 {source.Cluster{Context: "prod"}, 0, errkind.Invalid},
		"no selector":                     {source.Cluster{Selector: "team in"}, 0, errkind.Invalid},
		"a namespace that does not exist": {source.Cluster{Namespaces: []string{"shop", "typo"}}, 0, errkind.NotFound},
		"a namespace that is forbidden":   {source.Cluster{Namespaces: []string{"shop", "secret"}}, 0, errkind.Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Forbid("secret", true)
			s := s
			s.Cluster = test.cluster
			found, err := workloads(t, s)
			if len(found) != test.found || !errors.Is(err, test.kind) {
				t.Errorf("found %d, error %v; want %d, %v", len(found), err, test.found, test.kind)
			}
		})
	}
}

// Pages make one list; an expired one is read anew.
func TestKubernetesPages(t *testing.T) {
	t.Parallel()
	c, s := clusterAt(t)
	for i := range 1200 {
		c.Put("api/v1/pods", pod("many", fmt.Sprintf("p%04d", i), fmt.Sprintf("ghcr.io/shop/many:%d", i)))
	}
	expired := 0
	c.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("continue") == "" || expired == 2 {
			return false
		}
		expired++
		w.WriteHeader(http.StatusGone)
		return true
	})
	found, err := workloads(t, s)
	if err != nil || len(found) != 1216 || expired != 2 {
		t.Errorf("found %d after %d expired pages, %v", len(found), expired, err)
	}
	c.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("continue") != "" {
			w.WriteHeader(http.StatusGone)
			return true
		}
		return false
	})
	if found, err := workloads(t, s); !errors.Is(err, errkind.Unavailable) || len(found) > 0 {
		t.Errorf("found %d, error %v", len(found), err)
	}
}

func pod(namespace, name, image string) lab.Object {
	return lab.Object{"metadata": lab.Object{"namespace": namespace, "name": name},
		"spec":   lab.Object{"containers": []lab.Object{{"name": "c", "image": image}}},
		"status": lab.Object{"phase": "Running"}}
}

// What an API server does not say is an error, not a shorter list; what never ends does.
func TestKubernetesFails(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat(" ", 1<<20)
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		kind   error
		text   string
	}{
		"a failure": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, errkind.Unavailable, "responded 500"},
		"a reason": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"message": "jobs is forbidden"}`))
		}, errkind.Unauthorized, "jobs is forbidden"},
		"no such list": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, errkind.NotFound, "list jobs of all namespaces"},
		"another place": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.org/", http.StatusFound)
		}, errkind.Unavailable, "302"},
		"a page of a proxy": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, errkind.Unavailable, "cannot be read"},
		"half an answer":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"items": [{"metadata"`)) }, errkind.Unavailable, "cannot be read"},
		"no end": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"items": [`))
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(huge)); err != nil {
					return
				}
			}
		}, errkind.Limit, "cannot be read"},
		"endless pages": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"metadata": {"continue": "%sx"}, "items": []}`, r.URL.Query().Get("continue")[:min(8, len(r.URL.Query().Get("continue")))])
		}, errkind.Limit, "2000 pages"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := clusterAt(t)
			c.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/jobs") {
					return false
				}
				test.answer(w, r)
				return true
			})
			found, err := workloads(t, s)
			if len(found) > 0 || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("found %d, error %v; want %v with %q", len(found), err, test.kind, test.text)
			}
		})
	}
}

// A kubeconfig file leads to no other file of the worker and starts no program.
func TestKubeconfig(t *testing.T) {
	t.Parallel()
	c, s := clusterAt(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(s.Paths[0])
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte("lab-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		user, server string
		kind         error
	}{
		"a token in a file":        {"tokenFile: " + folder + "/token", "", nil},
		"another token":            {"token: other", "", errkind.Unauthorized},
		"a file elsewhere":         {"tokenFile: " + secret, "", errkind.Unauthorized},
		"a key elsewhere":          {"client-certificate: " + secret + ", client-key: " + secret, "", errkind.Unauthorized},
		"a program":                {"exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: [" + folder + "/ran], interactiveMode: Never}", "", errkind.Unauthorized},
		"a token in the clear":     {"token: lab-token", "http://" + c.Host(), errkind.Invalid},
		"metadata of a cloud":      {"{}", "https://169.254.169.254", errkind.Unavailable},
		"another authority":        {"token: lab-token", "https://localhost:1", errkind.Unavailable},
		"an address with nonsense": {"token: lab-token", "https://[", errkind.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s
			text := strings.Replace(c.Kubeconfig(), "token: lab-token", strings.Trim(test.user, "{}"), 1)
			if test.user[0] != '{' {
				text = strings.Replace(c.Kubeconfig(), "token: lab-token", test.user, 1)
			}
			if test.server != "" {
				text = strings.Replace(text, "https://"+c.Host(), test.server, 1)
			}
			s.Paths = []string{filepath.Join(folder, strings.ReplaceAll(name, " ", "-"))}
			if err := os.WriteFile(s.Paths[0], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := workloads(t, s)
			if !errors.Is(err, test.kind) || (err == nil) != (len(found) > 0) || err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("found %d, error %v; want %v", len(found), err, test.kind)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "ran")); err == nil {
		t.Error("a program ran")
	}
	s.Paths = []string{source.InCluster}
	if _, err := reader(t).Read(t.Context(), s, ""); !errors.Is(err, errkind.Invalid) {
		t.Errorf("not in a cluster: %v", err)
	}
}

func TestKubernetesAway(t *testing.T) {
	t.Parallel()
	c, s := clusterAt(t)
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	if found, err := workloads(t, s); !errors.Is(err, errkind.Unavailable) || len(found) > 0 {
		t.Errorf("found %d, error %v", len(found), err)
	}
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	c.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/jobs") {
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
	if found, err := workloads(t, s); err != nil || len(found) != 16 {
		t.Errorf("found %d, error %v", len(found), err)
	}
}
