package deploy_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The chart has what each overlay has, under the same names: the same containers,
// variables, volumes, ports, bounds and rights. Labels are its own.
func TestChartHasTheOverlays(t *testing.T) {
	t.Parallel()
	for overlay, example := range map[string]string{"single": "", "roles": "roles", "cloud": "cloud", "push": "push", "cluster": "cluster", "documents": "documents"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			r := render(t, example)
			all := build(t, filepath.Join(root, "deploy/kubernetes/overlays", overlay))
			want, got := described(t, all), described(t, &r.everything)
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if got[name] != want[name] {
					t.Errorf("%s:\nchart   %s\noverlay %s", name, got[name], want[name])
				}
			}
			for name := range got {
				if want[name] == "" {
					t.Errorf("%s is not in the overlay: %s", name, got[name])
				}
			}
		})
	}
}

// described are the parts that count of all objects, by kind and name.
func described(t *testing.T, e *everything) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, d := range e.deployments {
		for part, value := range ofDeployment(e, d) {
			found["deployment "+d.Name+", "+part] = text(t, value)
		}
	}
	for _, o := range e.objects {
		switch o := o.(type) {
		case *policyv1.PodDisruptionBudget:
			found["budget "+o.Name] = text(t, o.Spec.MaxUnavailable)
		case *autoscalingv2.HorizontalPodAutoscaler:
			found["autoscaler "+o.Name] = text(t, o.Spec)
		case *corev1.Service:
			for _, port := range o.Spec.Ports {
				found["service "+o.Name] += text(t, []any{port.Port, port.TargetPort})
			}
		case *networkingv1.NetworkPolicy:
			found["policy "+o.Name] = text(t, []any{o.Spec.Ingress, o.Spec.Egress, o.Spec.PolicyTypes})
		case *rbacv1.ClusterRole:
			found["role"] = text(t, o.Rules)
		case *rbacv1.ClusterRoleBinding:
			found["binding"] = text(t, o.Subjects)
		case *corev1.ServiceAccount:
			found["account "+o.Name] = text(t, o.AutomountServiceAccountToken)
		}
	}
	return found
}

func ofDeployment(e *everything, d *appsv1.Deployment) map[string]any {
	pod := d.Spec.Template.Spec.DeepCopy()
	container := pod.Containers[0]
	volumes, mounts := map[string]any{}, map[string]any{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = v.VolumeSource
	}
	for _, m := range container.VolumeMounts {
		mounts[m.Name] = m
	}
	values := map[string]any{
		"variables": variables(e, d), "volumes": volumes, "mounts": mounts, "ports": containerPorts(d),
		"rollout":    []any{d.Spec.Replicas, d.Spec.Strategy, d.Spec.MinReadySeconds, d.Spec.ProgressDeadlineSeconds},
		"resources":  container.Resources,
		"container":  []any{container.Name, container.Command, container.Args, container.SecurityContext},
		"probes":     []any{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe},
		"annotation": []any{d.Spec.Template.Annotations["prometheus.io/scrape"], d.Spec.Template.Annotations["prometheus.io/port"]},
	}
	pod.Containers, pod.Volumes = nil, nil
	for i := range pod.TopologySpreadConstraints {
		pod.TopologySpreadConstraints[i].LabelSelector = &metav1.LabelSelector{}
	}
	values["pod"] = pod
	return values
}

// variables are those of a worker, its own and those of the config map: each with its
// value or with the place of its secret. One whose secret may lack it is left out.
func variables(e *everything, d *appsv1.Deployment) map[string]string {
	found := map[string]string{}
	container := d.Spec.Template.Spec.Containers[0]
	for _, from := range container.EnvFrom {
		switch {
		case from.ConfigMapRef != nil:
			maps.Copy(found, e.settings[from.ConfigMapRef.Name])
		case from.SecretRef != nil:
			found["all of "+from.SecretRef.Name] = ""
		}
	}
	for _, v := range container.Env {
		if v.ValueFrom == nil {
			found[v.Name] = v.Value
		} else if key := v.ValueFrom.SecretKeyRef; key.Optional == nil || !*key.Optional {
			found[v.Name] = "secret " + key.Name + "/" + key.Key
		}
	}
	return found
}

func text(t *testing.T, value any) string {
	t.Helper()
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}
