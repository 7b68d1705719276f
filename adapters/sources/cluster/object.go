package cluster

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/source"
)

// resource is a kind of objects that the API server lists.
type resource struct {
	group string // with its version, as in the path
	name  string // in the plural
	kind  string
}

// resources are those that run containers. Pods come first and what keeps them running
// later: what owns a pod that is listed was there before it.
var resources = []resource{
	{"api/v1", "pods", "pod"},
	{"apis/apps/v1", "replicasets", "replicaset"},
	{"apis/batch/v1", "jobs", "job"},
	{"api/v1", "replicationcontrollers", "replicationcontroller"},
	{"apis/apps/v1", "deployments", "deployment"},
	{"apis/apps/v1", "statefulsets", "statefulset"},
	{"apis/apps/v1", "daemonsets", "daemonset"},
	{"apis/batch/v1", "cronjobs", "cronjob"},
}

// object is what is read of one, of any of these kinds.
type object struct {
	kind     string
	Metadata metadata `json:"metadata"`
	Spec     struct {
		podSpec
		Replicas    *int      `json:"replicas,omitempty"` // after trim, only where it is zero
		Template    *template `json:"template,omitempty"`
		JobTemplate *struct {
			Spec struct {
				Template *template `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate,omitempty"`
	} `json:"spec"`
	Status status `json:"status"`
}

type metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	UID         string            `json:"uid"`
	Version     string            `json:"resourceVersion"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Owners      []owner           `json:"ownerReferences"`
}

type owner struct {
	Version    string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
	Controller bool   `json:"controller"`
}

type template struct {
	Metadata metadata `json:"metadata"`
	Spec     podSpec  `json:"spec"`
}

type podSpec struct {
	Init        []container       `json:"initContainers,omitempty"`
	Containers  []container       `json:"containers,omitempty"`
	Ephemeral   []container       `json:"ephemeralContainers,omitempty"`
	NodeLabels  map[string]string `json:"nodeSelector,omitempty"`
	PullSecrets []struct {
		Name string `json:"name"`
	} `json:"imagePullSecrets,omitempty"`
}

type container struct {
	Name   string `json:"name"`
	Image  string `json:"image"`
	Policy string `json:"imagePullPolicy"`
}

type status struct {
	Phase      string            `json:"phase,omitempty"`
	Init       []containerStatus `json:"initContainerStatuses,omitempty"`
	Containers []containerStatus `json:"containerStatuses,omitempty"`
	Ephemeral  []containerStatus `json:"ephemeralContainerStatuses,omitempty"`
	Conditions []struct {
		Type   string `json:"type"`
		Status string `json:"status"`
	} `json:"conditions,omitempty"`
}

type containerStatus struct {
	Name    string `json:"name"`
	ImageID string `json:"imageID"`
	State   struct {
		Running *struct{} `json:"running,omitempty"`
	} `json:"state"`
}

// trim drops what is not needed of what was read, as the text that kubectl keeps in an
// annotation, or conditions of pods.
func (o *object) trim() {
	own := func(name, _ string) bool { return !strings.HasPrefix(name, source.LabelPrefix) }
	maps.DeleteFunc(o.Metadata.Annotations, own)
	if t := o.template(); t != nil {
		maps.DeleteFunc(t.Metadata.Annotations, own)
	}
	if o.kind != "job" {
		o.Status.Conditions = nil
	}
	if o.Spec.Replicas != nil && *o.Spec.Replicas != 0 {
		o.Spec.Replicas = nil
	}
}

// template is that of the pods which the object makes; nil for a pod.
func (o *object) template() *template {
	if o.Spec.JobTemplate != nil {
		return o.Spec.JobTemplate.Spec.Template
	}
	return o.Spec.Template
}

// over reports that a pod or a job runs no more.
func (o *object) over() bool {
	switch o.kind {
	case "pod":
		return o.Status.Phase == "Succeeded" || o.Status.Phase == "Failed"
	case "job":
		for _, c := range o.Status.Conditions {
			if (c.Type == "Complete" || c.Type == "Failed") && c.Status == "True" {
				return true
			}
		}
	}
	return false
}

// kept reports that the object makes no pods and is kept by a controller that is not read,
// which alone knows whether it is to make some again: a former revision, as a rule.
func (o *object) kept() bool {
	by := o.controller()
	return o.Spec.Replicas != nil && *o.Spec.Replicas == 0 && by != nil && !by.read()
}

// controller is what keeps the object; nil if nothing does.
func (o *object) controller() *owner {
	for i, each := range o.Metadata.Owners {
		if each.Controller && each.Kind != "Node" { // a node runs its own pods by itself
			return &o.Metadata.Owners[i]
		}
	}
	return nil
}

// read reports whether the owner is of a kind which is read.
func (by *owner) read() bool {
	return slices.ContainsFunc(resources, func(r resource) bool {
		return strings.ToLower(by.Kind) == r.kind && strings.HasSuffix(r.group, "/"+by.Version)
	})
}

// essence is a text that is another one whenever something changed that a listing shows.
func (o *object) essence() (string, error) {
	shown := *o
	shown.Metadata.Version = ""
	text, err := json.Marshal(shown)
	return string(text), err
}
