package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	namespace = "chaos"
	// fewest is how many deployments stay: a source that is nearly empty waits for a person.
	fewest = 4
	// halfway is how long a roll-out lasts.
	halfway = 3 * time.Second
)

// brought are the types of notifications that the source subscribes to.
var brought = []string{"analysis_update", "tag_update", "vuln_update", "policy_eval", "runtime_update"}

// deployments are those of the cluster. Each has a tag of its own, which no other ever had.
type deployments struct {
	running []*deployment
	// ended are tags that no deployment has any more.
	ended []mover
	made  int
	tags  int
	// since is when each subscription of a tag was stored: one that goes on keeps it.
	since map[string]string
}

// deployment is one with its tag.
type deployment struct {
	name    string
	tag     mover
	pods    int
	changed bool // since what runs was counted last
}

// deployFirst fills the cluster and writes the file that leads there.
func (w *world) deployFirst() (kubeconfig string, err error) {
	w.deployments = &deployments{since: map[string]string{}}
	for n := range fewest + 2 {
		if err := w.deploy(n%2 == 0, 1+n%3); err != nil {
			return "", err
		}
	}
	text := strings.ReplaceAll(w.cluster.Kubeconfig(), w.cluster.Host(), w.links[cluster].Host())
	return w.write("kubeconfig", text)
}

// deploy makes a deployment with a new tag.
func (w *world) deploy(flawed bool, pods int) error {
	d := &deployment{name: fmt.Sprintf("app%d", w.deployments.made), pods: pods, changed: true}
	w.deployments.made++
	if err := w.newTag(d, flawed); err != nil {
		return err
	}
	w.show(d, pods)
	w.deployments.running = append(w.deployments.running, d)
	w.expectTag(d)
	return nil
}

// newTag pushes a tag that there never was, for a deployment.
func (w *world) newTag(d *deployment, flawed bool) error {
	d.tag = mover{name: fmt.Sprintf("deployed/app:%d", w.deployments.tags)}
	w.deployments.tags++
	return w.move(&d.tag, flawed, false)
}

// expectTag is what must follow when the cluster has a tag that it did not have.
func (w *world) expectTag(d *deployment) {
	w.ledger.expect(expectation{kind: "analysis_update", key: w.reference(d.tag.name), causes: []string{"image"}, listed: true})
}

// show has the cluster run the image that the tag points to in that many pods, or the
// former image in others besides.
func (w *world) show(d *deployment, pods int, besides ...string) {
	digests := slices.Repeat([]string{d.tag.images[d.tag.now].digest.String()}, pods)
	w.cluster.Deploy(namespace, d.name, w.reference(d.tag.name), append(besides, digests...)...)
}

// changeDeployments changes each deployment at most once.
func (w *world) changeDeployments(ctx context.Context, p plan, began time.Time) error {
	for _, planned := range p.rollouts {
		wait(ctx, began, planned.at)
		if err := w.changeDeployment(ctx, planned); err != nil {
			return fmt.Errorf("cluster, %s: %w", planned.kind, err)
		}
	}
	return nil
}

func (w *world) changeDeployment(ctx context.Context, planned rolloutPlan) error {
	all := w.deployments
	candidates := slices.DeleteFunc(slices.Clone(all.running), func(d *deployment) bool { return d.changed })
	if planned.kind == deployed || len(all.running) <= fewest && planned.kind == undeployed || len(candidates) == 0 {
		return w.deploy(planned.flawed, 1+planned.pods)
	}
	d := candidates[planned.pick%len(candidates)]
	d.changed = true
	switch planned.kind {
	case scaled:
		d.pods = planned.pods
		w.show(d, d.pods)
	case rolledOut:
		return w.rollOut(ctx, d, planned)
	case retagged:
		return w.retag(d, planned)
	case undeployed:
		w.cluster.Undeploy(namespace, d.name)
		all.running = slices.DeleteFunc(all.running, func(each *deployment) bool { return each == d })
		all.ended = append(all.ended, d.tag)
	}
	return nil
}

// rollOut moves the tag of a deployment and replaces its pods.
func (w *world) rollOut(ctx context.Context, d *deployment, planned rolloutPlan) error {
	before := d.tag.images[d.tag.now]
	if err := w.move(&d.tag, planned.flawed, false); err != nil {
		return err
	}
	w.expectMove(&d.tag, before)
	w.expectRun(d, before)
	d.pods = 1 + planned.pods
	w.show(d, d.pods/2, slices.Repeat([]string{before.digest.String()}, d.pods-d.pods/2)...)
	wait(ctx, time.Now(), halfway)
	w.show(d, d.pods)
	return nil
}

// retag has a deployment run another tag.
func (w *world) retag(d *deployment, planned rolloutPlan) error {
	before := d.tag
	if err := w.newTag(d, planned.flawed); err != nil {
		return err
	}
	w.deployments.ended = append(w.deployments.ended, before)
	w.expectTag(d)
	w.expectRun(d, before.images[before.now])
	d.pods = 1 + planned.pods
	w.show(d, d.pods)
	return nil
}

// expectRun is what must follow when a deployment starts to run what its tag points to.
func (w *world) expectRun(d *deployment, before version) {
	e := expectation{kind: "runtime_update", key: w.reference(d.tag.name), causes: []string{"image"}, listed: true}.to(d.tag.images[d.tag.now].digest.String())
	if d.pods > 0 { // otherwise it may have run several last
		e = e.from(before.digest.String())
	}
	w.ledger.expect(e)
}

// balance waits until the ledger balances and exactly what the cluster has is watched, and
// makes sure that this has come without any other notification.
func (w *world) balance(ctx context.Context) error {
	if err := w.ledger.settle(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := w.followed(ctx); err != nil {
		return err
	}
	// Nobody is notified any more of a tag that has left the cluster.
	for i := range w.deployments.ended {
		if err := w.move(&w.deployments.ended[i], true, false); err != nil {
			return err
		}
	}
	w.deployments.ended = nil
	return w.ledger.settle(ctx)
}

// followed waits until the tags of the cluster are watched, those that left it are not, and
// what runs is counted. It is an error if a subscription ended that had to go on.
func (w *world) followed(ctx context.Context) error {
	since := map[string]string{}
	err := w.eventually(ctx, func() (missing string, err error) {
		if since, err = w.subscribed(ctx); err != nil {
			return "", err
		}
		return differ(w.wanted(), since), nil
	})
	if err != nil {
		return err
	}
	if err := lasted(w.deployments.since, since); err != nil {
		return err
	}
	w.deployments.since = since
	for _, d := range w.deployments.running {
		if !d.changed {
			continue
		}
		if err := w.eventually(ctx, func() (string, error) { return w.counted(ctx, d) }); err != nil {
			return err
		}
		d.changed = false
	}
	return nil
}

// lasted is an error if a subscription was stored again: it had ended, although the
// cluster always had its tag.
func lasted(before, now map[string]string) error {
	for key, at := range now {
		if was, known := before[key]; known && was != at {
			return fmt.Errorf("the subscription %s ended and began again, although the cluster always had its tag: it was stored at %s and at %s", key, was, at)
		}
	}
	return nil
}

// eventually repeats a check until nothing is missing.
func (w *world) eventually(ctx context.Context, check func() (missing string, err error)) error {
	for {
		missing, err := check()
		if err != nil || missing == "" {
			return err
		}
		wait(ctx, time.Now(), time.Second)
		if ctx.Err() != nil {
			return fmt.Errorf("the cluster is not followed: %s: %w", missing, ctx.Err())
		}
	}
}

// subscribed are the subscriptions of the tags of the cluster, and when each was stored.
func (w *world) subscribed(ctx context.Context) (map[string]string, error) {
	out, err := w.command(ctx, "subscriptions", "--repository", w.reference("deployed/app"), "-o", "json")
	if err != nil {
		return nil, err
	}
	var views []struct{ Target, Type, Updated string }
	if err := json.Unmarshal([]byte(out), &views); err != nil {
		return nil, err
	}
	since := map[string]string{}
	for _, view := range views {
		since[view.Target+" "+view.Type] = view.Updated
	}
	return since, nil
}

// wanted are the subscriptions that the cluster brings.
func (w *world) wanted() (keys []string) {
	for _, d := range w.deployments.running {
		for _, each := range brought {
			keys = append(keys, w.reference(d.tag.name)+" "+each)
		}
	}
	return keys
}

// differ says how subscriptions differ from those that are wanted.
func differ(wanted []string, since map[string]string) string {
	var differences []string
	for _, key := range wanted {
		if since[key] == "" {
			differences = append(differences, "no subscription "+key)
		}
	}
	for key := range since {
		if !slices.Contains(wanted, key) {
			differences = append(differences, "the subscription "+key+" goes on")
		}
	}
	slices.Sort(differences)
	return strings.Join(differences, ", ")
}

// counted says how what is known of a deployment's pods differs from what runs.
func (w *world) counted(ctx context.Context, d *deployment) (string, error) {
	out, err := w.command(ctx, "status", w.reference(d.tag.name), "-o", "json")
	if err != nil {
		return "", err
	}
	var status struct{ Running struct{ Total, Current int } }
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		return "", err
	}
	if got := status.Running; got.Total != d.pods || got.Current != d.pods {
		return fmt.Sprintf("%d of %d pods of %s run the image of the tag, want %d of %d", got.Current, got.Total, d.name, d.pods, d.pods), nil
	}
	return "", nil
}
