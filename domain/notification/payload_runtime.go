package notification

import (
	"fmt"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// RuntimeChanged reports that a workload starts to run another image.
type RuntimeChanged struct {
	Target image.Target
	workload.Update
}

// Type is runtime_update.
func (RuntimeChanged) Type() Type { return RuntimeUpdate }

func (c RuntimeChanged) subject() string { return c.Target.String() }

var ages = map[workload.Age]string{
	workload.Current: "the image that the tag points to",
	workload.Older:   "not the image that the tag points to",
	workload.Unknown: "an image that is not known yet",
}

func (c RuntimeChanged) summary() string {
	line := fmt.Sprintf("%s starts to run %s", c.Key, c.After.Short())
	if len(c.Before) > 0 {
		line += ", was " + c.Before[0].Short()
	}
	return line + "; it is " + ages[c.Age]
}

func (c RuntimeChanged) payload(shared common) any {
	return struct {
		common
		LastEval []image.Digest `json:"last_eval"`
		CurrEval []image.Digest `json:"curr_eval"`
		about
		Workload workload.Key   `json:"workload"`
		Age      workload.Age   `json:"age"`
		Counts   map[string]int `json:"counts"`
	}{
		common:   shared,
		LastEval: orEmpty(c.Before),
		CurrEval: []image.Digest{c.After},
		about:    newAbout(c.Target, Evidence{}, Evidence{Image: image.Resolved{Manifest: c.After}}),
		Workload: c.Key,
		Age:      c.Age,
		Counts:   map[string]int{"images_before": len(c.Before)},
	}
}

// runningSummary says how many containers run an older image, and which.
func runningSummary(r *workload.Running) string {
	if r == nil || r.Older == 0 {
		return ""
	}
	var names []string
	for _, each := range older(r) {
		names = append(names, each.Key.String())
	}
	verb := "run"
	if r.Older == 1 {
		verb = "runs"
	}
	return fmt.Sprintf("; %d of %s still %s an older image%s", r.Older, wording.Count(r.Total, "container"), verb, named(names))
}

// older are the workloads that run an older image.
func older(r *workload.Running) []workload.Instance {
	list := []workload.Instance{}
	if r == nil {
		return list
	}
	for _, each := range r.Workloads {
		if each.Age == workload.Older {
			list = append(list, each)
		}
	}
	return list
}
