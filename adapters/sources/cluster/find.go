package cluster

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
)

// Scope is the part of a cluster that is read.
type Scope struct {
	Namespaces []string // none for all
	Selector   string   // of workloads, by their labels
	// Platform is that of images whose workload does not choose one.
	Platform image.Platform
}

// places are the lists of a scope.
func (s Scope) places() (all []place) {
	namespaces := s.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	for _, each := range resources {
		for _, namespace := range namespaces {
			all = append(all, place{each, namespace})
		}
	}
	return all
}

// Read finds the images of all workloads of a scope, and what runs of them. A list that
// cannot be read is an error, not a shorter reading.
func (c *Client) Read(ctx context.Context, scope Scope) ([]source.Found, error) {
	selector, err := labels.Parse(scope.Selector)
	if err != nil {
		return nil, fmt.Errorf("invalid selector %q: %w: %w", scope.Selector, errkind.Invalid, err)
	}
	var all []object
	in := map[string]bool{}
	for _, at := range scope.places() {
		listed, err := c.list(ctx, at, mostObjects-len(all))
		if err != nil {
			return nil, err
		}
		all = append(all, listed...)
		in[at.namespace] = in[at.namespace] || len(listed) > 0
	}
	for _, name := range scope.Namespaces {
		if in[name] {
			continue
		}
		if err := c.exists(ctx, name); err != nil {
			return nil, err
		}
	}
	f := finder{scope: scope, selector: selector, objects: map[string]*object{}, found: map[reference]*source.Found{}}
	return f.find(all), nil
}

// finder puts together what belongs to one workload.
type finder struct {
	scope    Scope
	selector labels.Selector
	objects  map[string]*object // by their UIDs
	found    map[reference]*source.Found
}

// reference is a container of a workload with one of the images that it has.
type reference struct{ kind, namespace, name, container, image string }

func (f *finder) find(all []object) []source.Found {
	for i := range all {
		f.objects[all[i].Metadata.UID] = &all[i]
	}
	for i := range all {
		f.add(&all[i])
	}
	var ordered []source.Found
	for _, each := range f.found {
		slices.SortFunc(each.Workloads[0].Running, func(a, b source.Running) int { return cmp.Compare(a.Digest, b.Digest) })
		ordered = append(ordered, *each)
	}
	slices.SortFunc(ordered, func(a, b source.Found) int {
		return cmp.Or(strings.Compare(a.Place, b.Place), strings.Compare(a.Text, b.Text))
	})
	return ordered
}

// workload is what people know an object by: the last of its controllers.
type workload struct {
	kind, namespace, name string
	uid                   string
	chain                 []*object // from the object to the last controller that is listed
	deleted               bool      // a controller of the chain is not there any more
}

func (f *finder) workload(o *object) workload {
	w := workload{kind: o.kind, namespace: o.Metadata.Namespace, name: o.Metadata.Name, uid: o.Metadata.UID, chain: []*object{o}}
	for range len(resources) { // owners may be a circle
		by := w.chain[len(w.chain)-1].controller()
		if by == nil {
			break
		}
		w.kind, w.name, w.uid = strings.ToLower(by.Kind), by.Name, by.UID
		next := f.objects[by.UID]
		if next == nil {
			w.deleted = by.read()
			break
		}
		w.chain = append(w.chain, next)
	}
	return w
}

// add adds the images of a workload's template, or those of a pod. What a controller
// makes of its template counts by its pods only: there are old ones of revisions and jobs.
// What outlives its controller is about to be deleted too, and lacks the controller's marks.
func (f *finder) add(o *object) {
	if by := o.controller(); o.over() || o.kept() || o.kind != "pod" && by != nil && by.read() {
		return
	}
	w := f.workload(o)
	if w.deleted {
		return
	}
	if !f.selector.Matches(labels.Set(w.chain[len(w.chain)-1].Metadata.Labels)) {
		return
	}
	if o.kind == "pod" {
		f.addPod(w, o)
		return
	}
	if t := o.template(); t != nil {
		for _, each := range t.Spec.all() {
			f.reference(w, each, &t.Spec)
		}
	}
}

// placed is a container with what people call its kind.
type placed struct {
	container
	kind string
}

func (s *podSpec) all() (all []placed) {
	for _, list := range []struct {
		kind       string
		containers []container
	}{{"init container", s.Init}, {"container", s.Containers}, {"ephemeral container", s.Ephemeral}} {
		for _, each := range list.containers {
			all = append(all, placed{each, list.kind})
		}
	}
	return all
}

// addPod adds the containers of a pod, which may have more than its workload's template, and counts those that run.
func (f *finder) addPod(w workload, pod *object) {
	statuses := map[string]containerStatus{}
	for _, each := range slices.Concat(pod.Status.Init, pod.Status.Containers, pod.Status.Ephemeral) {
		statuses[each.Name] = each
	}
	for _, each := range pod.Spec.all() {
		found := f.reference(w, each, &pod.Spec.podSpec)
		if status := statuses[each.Name]; status.State.Running != nil {
			one := found.Workloads[0]
			one.Running = []source.Running{{Digest: runningDigest(status.ImageID), Count: 1}}
			found.Workloads = source.Merge(found.Workloads, []source.Workload{one})
		}
	}
}

// reference is what a container with an image stands for; it is made once.
func (f *finder) reference(w workload, c placed, pod *podSpec) *source.Found {
	key := reference{w.kind, w.namespace, w.name, c.Name, c.Image}
	if f.found[key] != nil {
		return f.found[key]
	}
	found := source.Refer(c.Image, fmt.Sprintf("%s %s/%s: %s %s", w.kind, w.namespace, w.name, c.kind, c.Name), f.platform(pod))
	if c.Policy == "Never" && found.Reason == "" {
		found.Reason, found.Note = source.Built, "its pull policy is Never"
	}
	found = found.With(w.marks())
	for _, secret := range pod.PullSecrets {
		found.PullSecrets = append(found.PullSecrets, w.namespace+"/"+secret.Name)
	}
	found.Workloads = []source.Workload{{Kind: w.kind, Namespace: w.namespace, Name: w.name, Container: c.Name, Origin: w.uid}}
	f.found[key] = &found
	return &found
}

// marks are the labels and annotations of a workload and of its pods. The workload's own
// count before its pods', and annotations before labels, which hold no commas.
func (w workload) marks() map[string]string {
	all := map[string]string{}
	for _, each := range w.chain {
		if t := each.template(); t != nil {
			maps.Copy(all, t.Metadata.Labels)
			maps.Copy(all, t.Metadata.Annotations)
		}
		maps.Copy(all, each.Metadata.Labels)
		maps.Copy(all, each.Metadata.Annotations)
	}
	return all
}

// platform is the one that a pod asks nodes for, unless the source has one.
func (f *finder) platform(pod *podSpec) image.Platform {
	architecture := pod.NodeLabels["kubernetes.io/arch"]
	if f.scope.Platform != (image.Platform{}) || architecture == "" {
		return f.scope.Platform
	}
	platform, err := image.ParsePlatform(cmp.Or(pod.NodeLabels["kubernetes.io/os"], "linux") + "/" + architecture)
	if err != nil || platform == image.DefaultPlatform {
		return image.Platform{}
	}
	return platform
}
