// Package deploy_test applies the Kustomize overlays and the Helm chart to a real API server.
package deploy_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/controlplane"
)

// installation is what one overlay or one file of values brings.
type installation struct {
	name string
	text string
}

// TestAppliedToControlPlane applies everything in strict mode, to a namespace that lets in
// restricted pods only: nothing is refused, there is no warning, and the controllers make
// the pods.
func TestAppliedToControlPlane(t *testing.T) {
	c := controlplane.Start(t)
	monitors, err := os.ReadFile(filepath.Join(os.Getenv(controlplane.Variable), "servicemonitors.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c.Put(c.Documents(string(monitors))...)
	c.Until("the kind ServiceMonitor", func() bool { _, err := c.Get("apis/monitoring.coreos.com/v1/servicemonitors"); return err == nil })
	for _, name := range []string{"shop", "web"} { // which a file of values reads
		c.Put(namespace(name))
	}
	notices(t, c)
	for _, i := range installations(t, c) {
		t.Run(i.name, func(t *testing.T) {
			space := strings.NewReplacer(" ", "-").Replace(i.name)
			c.Put(namespace(space))
			var deployments []string
			for _, object := range c.Documents(i.text) {
				move(object, space)
				warnings, err := c.Apply(object)
				if err != nil || len(warnings) > 0 {
					t.Errorf("%s: %v, warnings %q", controlplane.Path(object), err, warnings)
				}
				if object["kind"] == "Deployment" || object["kind"] == "StatefulSet" {
					deployments = append(deployments, controlplane.Path(object))
				}
			}
			if len(deployments) == 0 {
				t.Error("nothing runs")
			}
			for _, path := range deployments {
				made(t, c, path)
			}
		})
	}
}

// notices holds that the API server refuses a field that no kind has, and warns of pods that
// are not restricted: else this test would prove nothing.
func notices(t *testing.T, c *controlplane.Cluster) {
	t.Helper()
	const text = `{apiVersion: v1, kind: ConfigMap, metadata: {name: typo, namespace: shop}, dta: {}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: open, namespace: shop},
 spec: {replicas: 0, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}}}`
	objects := c.Documents(text)
	if _, err := c.Apply(objects[0]); err == nil {
		t.Fatal("an unknown field is accepted")
	}
	if warnings, err := c.Apply(objects[1]); err != nil || len(warnings) == 0 {
		t.Fatal("pods that are not restricted cause no warning", err)
	}
}

// namespace lets in restricted pods only, and warns of what makes others.
func namespace(name string) lab.Object {
	labels := lab.Object{}
	for _, mode := range []string{"enforce", "warn", "audit"} {
		labels["pod-security.kubernetes.io/"+mode] = "restricted"
	}
	return lab.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": lab.Object{"name": name, "labels": labels}}
}

// move puts an object of the namespace tagwatch into another one.
func move(object lab.Object, space string) {
	metadata := object["metadata"].(lab.Object)
	if object["kind"] == "Namespace" {
		metadata["name"] = space
	}
	if metadata["namespace"] == "tagwatch" {
		metadata["namespace"] = space
	}
}

// made waits until a workload has as many pods as it wants.
func made(t *testing.T, c *controlplane.Cluster, path string) {
	t.Helper()
	c.Until("pods of "+path, func() bool {
		object, err := c.Get(path)
		if err != nil {
			return false
		}
		status, _ := object["status"].(lab.Object)
		conditions, _ := status["conditions"].([]any)
		for _, each := range conditions {
			if condition := each.(lab.Object); condition["type"] == "ReplicaFailure" {
				t.Fatalf("%s: %v", path, condition["message"])
			}
		}
		return status["replicas"] == object["spec"].(lab.Object)["replicas"]
	})
}

// installations renders each overlay, and the chart with each of its files of values.
func installations(t *testing.T, c *controlplane.Cluster) (all []installation) {
	t.Helper()
	overlays, err := filepath.Glob("kubernetes/overlays/*")
	if err != nil || len(overlays) == 0 {
		t.Fatal(overlays, err)
	}
	kustomize := filepath.Join(os.Getenv(controlplane.Variable), "kustomize")
	for _, overlay := range overlays {
		all = append(all, installation{"overlay " + filepath.Base(overlay), run(t, kustomize, "build", overlay)})
	}
	examples, err := filepath.Glob("helm/tagwatch/ci/*-values.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatal(examples, err)
	}
	version := c.Version()
	for _, example := range append(examples, "") {
		arguments := []string{"template", "tagwatch", "helm/tagwatch", "--namespace", "tagwatch", "--kube-version", version}
		name := "chart"
		if example != "" {
			arguments = append(arguments, "--values", example)
			name += " " + strings.TrimSuffix(filepath.Base(example), "-values.yaml")
		}
		all = append(all, installation{name, run(t, helm(t), arguments...)})
	}
	return all
}

func helm(t *testing.T) string {
	t.Helper()
	program := os.Getenv("TAGWATCH_TEST_HELM")
	if program == "" {
		t.Fatal("TAGWATCH_TEST_HELM names no helm; make test-kubernetes sets it")
	}
	return program
}

// run runs a program with nobody's configuration and returns what it prints.
func run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	home := t.TempDir()
	command.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(program), arguments, err, stderr.String())
	}
	for line := range strings.Lines(stderr.String()) {
		if !strings.Contains(line, "symbolic link") { // to files that the overlays and the packages have too
			t.Errorf("%s %v warns: %s", filepath.Base(program), arguments, line)
		}
	}
	return stdout.String()
}

// TestReleaseOnControlPlane installs, upgrades and removes the chart by Helm, for trying out:
// the passwords that it makes stay as long as the volume that has them.
func TestReleaseOnControlPlane(t *testing.T) {
	c := controlplane.Start(t)
	c.Put(namespace("tagwatch"))
	release := func(arguments ...string) string {
		t.Helper()
		return run(t, helm(t), append(arguments, "--namespace", "tagwatch", "--kubeconfig", c.Admin())...)
	}
	password := func() string {
		t.Helper()
		secret, err := c.Get("api/v1/namespaces/tagwatch/secrets/tagwatch-postgresql")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(secret["data"])
	}
	trial := []string{"tagwatch", "helm/tagwatch", "--values", "helm/tagwatch/ci/trial-values.yaml"}
	release(append([]string{"install"}, trial...)...)
	first := password()
	made(t, c, "apis/apps/v1/namespaces/tagwatch/deployments/tagwatch-worker")
	release(append([]string{"upgrade", "--set", "settings.TAGWATCH_POLL=2m"}, trial...)...)
	if password() != first {
		t.Error("an upgrade makes other passwords")
	}
	release("uninstall", "tagwatch")
	if password() != first {
		t.Error("a removal changes the passwords of the volume")
	}
	release(append([]string{"install"}, trial...)...)
	if password() != first {
		t.Error("a new installation has other passwords than the volume that stays")
	}
}
