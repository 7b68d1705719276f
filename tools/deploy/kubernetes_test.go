// Package deploy_test proves what cannot be brought up in a test: that the files
// for Kubernetes build, decode as what they say they are without an unknown
// field, fit together and keep to the restricted Pod Security Standard.
package deploy_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// everything is what one overlay brings.
type everything struct {
	deployments []*appsv1.Deployment
	budgets     []*policyv1.PodDisruptionBudget
	policies    []*networkingv1.NetworkPolicy
	scalers     []*autoscalingv2.HorizontalPodAutoscaler
	services    []*corev1.Service
	settings    map[string]map[string]string // config maps
	accounts    map[string]bool
	roles       []*rbacv1.ClusterRole
	bindings    []*rbacv1.ClusterRoleBinding
	objects     []metav1.Object // all of them
}

func TestOverlays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		overlay string
		workers []string
	}{
		{"single", []string{"tagwatch-worker"}},
		{"cloud", []string{"tagwatch-worker"}},
		{"push", []string{"tagwatch-worker"}},
		{"cluster", []string{"tagwatch-worker"}},
		{"documents", []string{"tagwatch-worker"}},
		{"roles", []string{"tagwatch-worker-analysis", "tagwatch-worker-delivery", "tagwatch-worker-matching", "tagwatch-worker-watching"}},
	} {
		t.Run(test.overlay, func(t *testing.T) {
			t.Parallel()
			all := build(t, filepath.Join("../../deploy/kubernetes/overlays", test.overlay))
			var names []string
			for _, d := range all.deployments {
				names = append(names, d.Name)
				all.fits(t, d)
				restricted(t, d.Name, d.Spec.Template.Spec, len(all.roles) > 0)
			}
			if slices.Sort(names); !slices.Equal(names, test.workers) {
				t.Errorf("deployments %v, want %v", names, test.workers)
			}
			all.selects(t)
			all.placed(t)
		})
	}
}

// build runs kustomize and decodes every object strictly.
func build(t *testing.T, overlay string) *everything {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		t.Fatal(err)
	}
	all := newEverything()
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		all.add(t, decode(t, text))
	}
	return all
}

func newEverything() *everything {
	return &everything{settings: map[string]map[string]string{}, accounts: map[string]bool{}}
}

// decode reads the object of one document, and refuses a field that its kind does not have.
func decode(t *testing.T, document []byte) runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, autoscalingv2.AddToScheme, rbacv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return object
}

func (e *everything) add(t *testing.T, object runtime.Object) {
	t.Helper()
	e.objects = append(e.objects, object.(metav1.Object))
	switch o := object.(type) {
	case *appsv1.Deployment:
		e.deployments = append(e.deployments, o)
	case *policyv1.PodDisruptionBudget:
		e.budgets = append(e.budgets, o)
	case *networkingv1.NetworkPolicy:
		e.policies = append(e.policies, o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		e.scalers = append(e.scalers, o)
	case *corev1.Service:
		e.services = append(e.services, o)
	case *corev1.ConfigMap:
		e.settings[o.Name] = o.Data
	case *corev1.ServiceAccount:
		e.accounts[o.Name] = true
	case *rbacv1.ClusterRole:
		e.roles = append(e.roles, o)
	case *rbacv1.ClusterRoleBinding:
		e.bindings = append(e.bindings, o)
	case *corev1.Namespace:
	default:
		t.Errorf("%T is not expected", object)
	}
}

// fits holds that what a deployment refers to is there, and that it selects its
// own pods and no others.
func (e *everything) fits(t *testing.T, d *appsv1.Deployment) {
	t.Helper()
	pod := d.Spec.Template
	if !e.accounts[pod.Spec.ServiceAccountName] {
		t.Errorf("%s: there is no service account %q", d.Name, pod.Spec.ServiceAccountName)
	}
	for _, from := range pod.Spec.Containers[0].EnvFrom {
		if from.ConfigMapRef != nil && e.settings[from.ConfigMapRef.Name] == nil {
			t.Errorf("%s: there is no config map %q, only %v", d.Name, from.ConfigMapRef.Name, slices.Collect(maps.Keys(e.settings)))
		}
	}
	if strings.HasPrefix(pod.Spec.Containers[0].Image, "tagwatch") {
		t.Errorf("%s: the image %s has no registry", d.Name, pod.Spec.Containers[0].Image)
	}
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s: there is no volume %q", d.Name, m.Name)
		}
	}
	for _, other := range e.deployments {
		if matches(t, d.Spec.Selector, other.Spec.Template.Labels) != (other == d) {
			t.Errorf("%s selects the pods of %s: %v", d.Name, other.Name, other.Spec.Template.Labels)
		}
	}
}

// selects holds that everything which selects pods meets some: each budget and
// autoscaler one deployment, services those with their port, and network policies all of them.
func (e *everything) selects(t *testing.T) {
	t.Helper()
	for _, b := range e.budgets {
		if n := e.count(t, b.Spec.Selector); n != 1 {
			t.Errorf("disruption budget %s selects %d deployments", b.Name, n)
		}
	}
	for _, p := range e.policies {
		if n := e.count(t, &p.Spec.PodSelector); n != len(e.deployments) {
			t.Errorf("network policy %s selects %d deployments", p.Name, n)
		}
	}
	for _, s := range e.services {
		for _, d := range e.deployments {
			selected := labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(d.Spec.Template.Labels))
			if port := s.Spec.Ports[0].TargetPort.StrVal; selected != (containerPorts(d)[port] != 0) {
				t.Errorf("service %s selects %s: %v; its port is %s", s.Name, d.Name, selected, port)
			}
		}
	}
	for _, h := range e.scalers {
		if !slices.ContainsFunc(e.deployments, func(d *appsv1.Deployment) bool { return d.Name == h.Spec.ScaleTargetRef.Name && d.Spec.Replicas == nil }) {
			t.Errorf("autoscaler %s: there is no deployment %s that leaves the number of pods to it", h.Name, h.Spec.ScaleTargetRef.Name)
		}
	}
}

func containerPorts(d *appsv1.Deployment) map[string]int {
	ports := map[string]int{}
	for _, p := range d.Spec.Template.Spec.Containers[0].Ports {
		ports[p.Name] = int(p.ContainerPort)
	}
	return ports
}

func (e *everything) count(t *testing.T, selector *metav1.LabelSelector) int {
	t.Helper()
	n := 0
	for _, d := range e.deployments {
		if matches(t, selector, d.Spec.Template.Labels) {
			n++
		}
	}
	return n
}

func matches(t *testing.T, selector *metav1.LabelSelector, pod map[string]string) bool {
	t.Helper()
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Matches(labels.Set(pod))
}

// restricted holds a pod to the restricted profile and to more. It has a token of
// Kubernetes only where a role is bound to it.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func restricted(t *testing.T, name string, pod corev1.PodSpec, token bool) {
	t.Helper()
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken != token {
		t.Errorf("%s has a part of the host, or a token of Kubernetes", name)
	}
	hardened(t, name, pod)
	for _, c := range pod.Containers {
		if c.LivenessProbe == nil || c.ReadinessProbe == nil {
			t.Errorf("%s, container %s lacks a probe", name, c.Name)
		}
	}
	for _, v := range pod.Volumes {
		if v.EmptyDir == nil && v.Secret == nil && v.ConfigMap == nil {
			t.Errorf("%s: volume %s is of a kind that is not expected", name, v.Name)
		}
	}
}

// hardened holds what the standard says of users, privileges and capabilities, and
// that file systems are read-only and resources bounded.
func hardened(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	all := pod.SecurityContext
	if all == nil || all.RunAsNonRoot == nil || !*all.RunAsNonRoot || all.SeccompProfile == nil || all.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: %+v", name, all)
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		own := c.SecurityContext
		if own == nil || own.AllowPrivilegeEscalation == nil || *own.AllowPrivilegeEscalation || own.ReadOnlyRootFilesystem == nil ||
			!*own.ReadOnlyRootFilesystem || own.Capabilities == nil || !slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(own.Capabilities.Add) > 0 {
			t.Errorf("%s, container %s: %+v", name, c.Name, own)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s, container %s lacks a bound", name, c.Name)
		}
	}
}
