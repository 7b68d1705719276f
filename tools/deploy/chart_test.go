package deploy_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	documents "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const chart = root + "/deploy/helm/tagwatch"

// release is what the chart makes of a file of values: the workers with all that is
// about them, and the rest.
type release struct {
	everything
	ingresses []*networkingv1.Ingress
	monitors  []*serviceMonitor
	trial     []metav1.Object // PostgreSQL, Temporal and the test
}

// serviceMonitor has what the chart uses of the Prometheus operator's kind.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Path     string `json:"path"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// kubernetes is the version for which the chart is rendered: that of the packages that decode it.
const kubernetes = "1.35"

// helm runs the program, with nobody's configuration.
func helm(t *testing.T, arguments ...string) (output string, err error) {
	t.Helper()
	program := os.Getenv("TAGWATCH_TEST_HELM")
	if program == "" {
		t.Skip("TAGWATCH_TEST_HELM names no helm; .ci/helm.sh does")
	}
	command := exec.CommandContext(t.Context(), program, arguments...)
	home := t.TempDir()
	command.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), errors.New(stderr.String() + err.Error())
	}
	return stdout.String(), nil
}

// with are the arguments for a file of values that comes with the chart, if any.
func with(example string) []string {
	if example == "" {
		return nil
	}
	return []string{"--values", filepath.Join(chart, "ci", example+"-values.yaml")}
}

// examples are the names of the files of values, and none of them.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chart, "ci/*-values.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := []string{""}
	for _, file := range files {
		found = append(found, strings.TrimSuffix(filepath.Base(file), "-values.yaml"))
	}
	return found
}

func template(t *testing.T, chart string, arguments ...string) (string, error) {
	t.Helper()
	return helm(t, append([]string{"template", "tagwatch", chart, "--namespace", "tagwatch", "--kube-version", kubernetes}, arguments...)...)
}

func lint(t *testing.T, arguments ...string) {
	t.Helper()
	if output, err := helm(t, append([]string{"lint", "--strict", "--kube-version", kubernetes, chart}, arguments...)...); err != nil {
		t.Errorf("%v: %v\n%s", arguments, err, output)
	}
}

func render(t *testing.T, example string) *release {
	t.Helper()
	output, err := template(t, chart, with(example)...)
	if err != nil {
		t.Fatal(err)
	}
	r := &release{everything: *newEverything()}
	reader := documents.NewYAMLReader(bufio.NewReader(strings.NewReader(output)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		r.include(t, document)
	}
}

func (r *release) include(t *testing.T, document []byte) {
	t.Helper()
	if strings.Contains(string(document), "kind: ServiceMonitor") {
		monitor := &serviceMonitor{}
		if err := yaml.UnmarshalStrict(document, monitor); err != nil {
			t.Fatal(err)
		}
		r.monitors = append(r.monitors, monitor)
		return
	}
	object := decode(t, document)
	if o := object.(metav1.Object); o.GetLabels()["app.kubernetes.io/name"] != "tagwatch" {
		r.trial = append(r.trial, o)
		return
	}
	switch o := object.(type) {
	case *networkingv1.Ingress:
		r.ingresses = append(r.ingresses, o)
		r.objects = append(r.objects, o)
	case *rbacv1.Role, *rbacv1.RoleBinding:
		r.objects = append(r.objects, o.(metav1.Object))
	default:
		r.add(t, object)
	}
}

// What the chart makes of each file of values decodes strictly, fits together, and
// keeps to the restricted Pod Security Standard.
func TestChart(t *testing.T) {
	t.Parallel()
	for _, example := range examples(t) {
		t.Run("values "+example, func(t *testing.T) {
			t.Parallel()
			r := render(t, example)
			for _, d := range r.deployments {
				r.fits(t, d)
				restricted(t, d.Name, d.Spec.Template.Spec, r.reads(d))
			}
			r.selects(t)
			r.placed(t)
			r.reached(t)
			r.tried(t)
		})
	}
}

// reads reports whether a worker reads sources of the kind kubernetes.
func (r *release) reads(d *appsv1.Deployment) bool {
	allowed := slices.ContainsFunc(r.objects, func(o metav1.Object) bool {
		switch o.(type) {
		case *rbacv1.ClusterRole, *rbacv1.Role:
			return true
		}
		return false
	})
	role := variables(&r.everything, d)["TAGWATCH_SERVE"]
	return allowed && (role == "" || role == "watching")
}

// reached holds that the ports which ingresses, monitors and policies name are there.
func (r *release) reached(t *testing.T) {
	t.Helper()
	served := map[string]bool{}
	for _, s := range r.services {
		for _, p := range s.Spec.Ports {
			served[s.Name+" "+p.Name] = true
		}
	}
	for _, i := range r.ingresses {
		if len(i.Spec.TLS) != 1 || !slices.Equal(i.Spec.TLS[0].Hosts, []string{i.Spec.Rules[0].Host}) {
			t.Errorf("ingress %s without TLS for its host: %+v", i.Name, i.Spec)
		}
		for _, path := range i.Spec.Rules[0].HTTP.Paths {
			if to := path.Backend.Service; !served[to.Name+" "+to.Port.Name] {
				t.Errorf("ingress %s: %s leads to %s, port %s", i.Name, path.Path, to.Name, to.Port.Name)
			}
		}
	}
	for _, m := range r.monitors {
		selected := slices.DeleteFunc(slices.Clone(r.services), func(s *corev1.Service) bool {
			return !labels.SelectorFromSet(m.Spec.Selector.MatchLabels).Matches(labels.Set(s.Labels)) || !served[s.Name+" "+m.Spec.Endpoints[0].Port]
		})
		if len(selected) != 1 || m.Namespace != "tagwatch" {
			t.Errorf("monitor %s selects %d services", m.Name, len(selected))
		}
	}
	for _, policy := range r.policies {
		for _, rule := range policy.Spec.Ingress {
			for _, p := range rule.Ports {
				if !slices.ContainsFunc(r.deployments, func(d *appsv1.Deployment) bool { return containerPorts(d)[p.Port.StrVal] != 0 }) {
					t.Errorf("policy %s: no worker has a port %s", policy.Name, p.Port)
				}
			}
		}
	}
}

// tried holds what is for trying out, and the test, to the same standard, and that
// nothing selects both these and workers.
func (r *release) tried(t *testing.T) {
	t.Helper()
	pods := map[string]labels.Set{}
	for _, o := range r.trial {
		if o.GetNamespace() != "tagwatch" {
			t.Errorf("%T %s is in the namespace %q", o, o.GetName(), o.GetNamespace())
		}
		switch o := o.(type) {
		case *corev1.Pod:
			hardened(t, o.Name, o.Spec)
			pods[o.Name] = o.Labels
		case *appsv1.StatefulSet:
			hardened(t, o.Name, o.Spec.Template.Spec)
			pods[o.Name] = o.Spec.Template.Labels
		case *appsv1.Deployment:
			hardened(t, o.Name, o.Spec.Template.Spec)
			pods[o.Name] = o.Spec.Template.Labels
		}
	}
	for _, o := range r.trial {
		var selector labels.Set
		switch o := o.(type) {
		case *corev1.Service:
			selector = o.Spec.Selector
		case *networkingv1.NetworkPolicy:
			selector = o.Spec.PodSelector.MatchLabels
		default:
			continue
		}
		if r.count(t, &metav1.LabelSelector{MatchLabels: selector}) != 0 || !labels.SelectorFromSet(selector).Matches(pods[o.GetName()]) {
			t.Errorf("%T %s does not select the pods of its name only: %v", o, o.GetName(), selector)
		}
	}
	for name, pod := range pods {
		for _, s := range r.services {
			if labels.SelectorFromSet(s.Spec.Selector).Matches(pod) {
				t.Errorf("service %s selects the pod %s", s.Name, name)
			}
		}
	}
}

// What is for trying out works without a value: its passwords are random, and the
// workers have the address and the password of its databases.
func TestChartTrial(t *testing.T) {
	t.Parallel()
	passwords := map[string]bool{}
	for range 2 {
		r := render(t, "trial")
		i := slices.IndexFunc(r.trial, func(o metav1.Object) bool { _, ok := o.(*corev1.Secret); return ok })
		secret := r.trial[i].(*corev1.Secret)
		password := secret.StringData["tagwatch-password"]
		if len(password) < 32 || passwords[password] || secret.StringData["database-url"] != "postgres://tagwatch:"+password+"@tagwatch-postgresql/tagwatch?sslmode=disable" {
			t.Error(secret.StringData)
		}
		passwords[password] = true
		got := variables(&r.everything, r.deployments[0])
		if got["TAGWATCH_DATABASE_URL"] != "secret "+secret.Name+"/database-url" || got["TEMPORAL_ADDRESS"] != "tagwatch-temporal:7233" {
			t.Error(got)
		}
	}
}
