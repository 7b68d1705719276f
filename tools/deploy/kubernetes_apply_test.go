package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const root = "../.."

var overlays = []string{"single", "cloud", "push", "cluster", "documents", "roles"}

// placed holds that everything is in the namespace that the overlay brings, which
// lets no pod in but restricted ones, and that one label finds it.
func (e *everything) placed(t *testing.T) {
	t.Helper()
	for _, o := range e.objects {
		if o.GetLabels()["app.kubernetes.io/name"] != "tagwatch" {
			t.Errorf("%T %s is not labelled: %v", o, o.GetName(), o.GetLabels())
		}
		switch o.(type) {
		case *rbacv1.ClusterRole, *rbacv1.ClusterRoleBinding, *rbacv1.Role, *rbacv1.RoleBinding:
			continue // of the cluster, or of the namespaces that are read
		}
		if _, ok := o.(*corev1.Namespace); !ok {
			if o.GetNamespace() != "tagwatch" {
				t.Errorf("%T %s is in the namespace %q", o, o.GetName(), o.GetNamespace())
			}
			continue
		}
		if o.GetName() != "tagwatch" || o.GetLabels()["pod-security.kubernetes.io/enforce"] != "restricted" {
			t.Errorf("namespace %s: %v", o.GetName(), o.GetLabels())
		}
	}
}

// Ports that probes, services and network policies name are those of the pods, and
// the worker listens there.
func TestPorts(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "Dockerfile")
	for _, overlay := range overlays {
		all := build(t, filepath.Join(root, "deploy/kubernetes/overlays", overlay))
		for _, d := range all.deployments {
			container, ports := d.Spec.Template.Spec.Containers[0], containerPorts(d)
			if http := strconv.Itoa(ports["http"]); !strings.Contains(dockerfile, "TAGWATCH_LISTEN=0.0.0.0:"+http) {
				t.Errorf("%s, %s: the image does not listen at %s", overlay, d.Name, http)
			}
			for _, name := range all.portNames(container) {
				if ports[name] == 0 {
					t.Errorf("%s, %s has no port %q", overlay, d.Name, name)
				}
			}
		}
	}
}

// A source reads what runs in the cluster, and changes nothing. Its role names no
// secrets.
func TestRoleOnlyReads(t *testing.T) {
	t.Parallel()
	all := build(t, filepath.Join(root, "deploy/kubernetes/overlays/cluster"))
	if len(all.roles) != 1 || len(all.bindings) != 1 || all.bindings[0].RoleRef.Name != all.roles[0].Name || !all.accounts[all.bindings[0].Subjects[0].Name] {
		t.Fatalf("roles %v, bindings %v", all.roles, all.bindings)
	}
	for _, rule := range all.roles[0].Rules {
		for _, verb := range rule.Verbs {
			if !slices.Contains([]string{"get", "list", "watch"}, verb) {
				t.Errorf("%v may %s", rule.Resources, verb)
			}
		}
		if slices.Contains(rule.Resources, "secrets") || slices.Contains(rule.Resources, "*") || slices.Contains(rule.APIGroups, "*") {
			t.Errorf("the role reads %v of %v", rule.Resources, rule.APIGroups)
		}
	}
}

// portNames are the names under which anything refers to ports of pods.
func (e *everything) portNames(c corev1.Container) (names []string) {
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		names = append(names, probe.HTTPGet.Port.String())
	}
	for _, s := range e.services {
		for _, p := range s.Spec.Ports {
			names = append(names, p.TargetPort.String())
		}
	}
	for _, policy := range e.policies {
		for _, rule := range policy.Spec.Ingress {
			for _, p := range rule.Ports {
				names = append(names, p.Port.String())
			}
		}
	}
	return names
}

// Workers whose version Temporal knows get no work until somebody makes it the
// current one: until then the old ones have to stay.
func TestVersionsOverlap(t *testing.T) {
	t.Parallel()
	for _, overlay := range overlays {
		all := build(t, filepath.Join(root, "deploy/kubernetes/overlays", overlay))
		for _, d := range all.deployments {
			rolling := d.Spec.Strategy.RollingUpdate
			if *rolling.MaxUnavailable != intstr.FromInt32(0) {
				t.Errorf("%s, %s: an old pod stops before a new one is ready", overlay, d.Name)
			}
			if !all.versioned(d) {
				continue
			}
			stay, deadline := d.Spec.MinReadySeconds, d.Spec.ProgressDeadlineSeconds
			if *rolling.MaxSurge != intstr.FromString("100%") || stay < 300 || deadline == nil || *deadline <= 2*stay {
				t.Errorf("%s, %s: surge %s, the old ones stay for %d s", overlay, d.Name, rolling.MaxSurge, stay)
			}
		}
	}
}

func (e *everything) versioned(d *appsv1.Deployment) bool {
	return slices.ContainsFunc(d.Spec.Template.Spec.Containers[0].EnvFrom, func(from corev1.EnvFromSource) bool {
		return from.ConfigMapRef != nil && e.settings[from.ConfigMapRef.Name]["TAGWATCH_DEPLOYMENT"] != ""
	})
}

// The first lines of each overlay make the secrets without which its pods do not
// start, and name files that exist; the documentation knows all secrets.
func TestSecretsAreExplained(t *testing.T) {
	t.Parallel()
	docs := read(t, "docs/kubernetes.md")
	file := regexp.MustCompile(`deploy/kubernetes/[a-z/.]+`)
	for _, overlay := range overlays {
		folder := filepath.Join("deploy/kubernetes/overlays", overlay)
		head, _, _ := strings.Cut(read(t, filepath.Join(folder, "kustomization.yaml")), "apiVersion:")
		for _, named := range file.FindAllString(head, -1) {
			if _, err := os.Stat(filepath.Join(root, named)); err != nil {
				t.Errorf("%s: %v", overlay, err)
			}
		}
		if !strings.Contains(head, "kubectl apply -k "+folder+"\n") {
			t.Errorf("%s: the first lines do not apply it", overlay)
		}
		for _, d := range build(t, filepath.Join(root, folder)).deployments {
			for _, s := range secretsOf(d.Spec.Template.Spec) {
				if !strings.Contains(docs, "| `"+s.name+"` | ") {
					t.Errorf("%s: the documentation does not know the secret %s", overlay, s.name)
				}
				made := regexp.MustCompile(`create secret generic ` + s.name + ` .*--from-file ` + regexp.QuoteMeta(s.key))
				if s.required && !made.MatchString(head) {
					t.Errorf("%s: the first lines do not make the secret %s with its key %q", overlay, s.name, s.key)
				}
			}
		}
	}
}

// secret is one that a pod refers to, by one of its keys or, with an empty key, as
// a whole.
type secret struct {
	name, key string
	required  bool
}

func secretsOf(pod corev1.PodSpec) (all []secret) {
	needed := func(optional *bool) bool { return optional == nil || !*optional }
	for _, from := range pod.Containers[0].EnvFrom {
		if s := from.SecretRef; s != nil {
			all = append(all, secret{s.Name, "", needed(s.Optional)})
		}
	}
	for _, variable := range pod.Containers[0].Env {
		if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil {
			all = append(all, secret{from.SecretKeyRef.Name, from.SecretKeyRef.Key, needed(from.SecretKeyRef.Optional)})
		}
	}
	for _, volume := range pod.Volumes {
		if s := volume.Secret; s != nil {
			all = append(all, secret{s.SecretName, "", needed(s.Optional)})
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
