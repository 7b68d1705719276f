// Package workload compares what workloads run with the tags that they were made from: how
// many containers run the image that a tag points to, and when a workload starts to run
// another one. Everything in it is pure.
package workload

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Key names one container of a workload, as a source lists it.
type Key struct {
	Source    string `json:"source"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Container string `json:"container,omitempty"`
}

// String is the workload for people, as in: deployment shop/web (app).
func (k Key) String() string {
	name := k.Name
	if k.Namespace != "" {
		name = k.Namespace + "/" + name
	}
	if k.Container != "" {
		name += " (" + k.Container + ")"
	}
	return k.Kind + " " + name
}

func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name),
		strings.Compare(a.Container, b.Container), strings.Compare(a.Source, b.Source))
}

// Row is one image of a workload, as it is stored.
type Row struct {
	Key
	// Target is the tag that the workload was made from.
	Target image.Target
	// Digest is what the runtime reports; empty if it reports none.
	Digest image.Digest
	// Image is the image that the digest names: of an index or a configuration, the
	// manifest. Empty if Tagwatch has never seen the digest.
	Image image.Digest
	// Origin is what all sources that list the workload know it by; empty if nothing is.
	Origin string
	// Count is how many containers run it; zero for one that ran before.
	Count int
	// Gone is when it was found not to run any more; zero while it runs.
	Gone time.Time
	// Notified reports that the last runtime_update was about it.
	Notified bool
	// Waits reports that it may be of an image that ran before, under another digest.
	Waits bool
}

// identity is the image, under the digest that the runtime reports as long as it is the
// only one; empty for one that is not known.
func (r Row) identity() image.Digest { return cmp.Or(r.Image, r.Digest) }

// Reported is a digest with the platform on which it runs; without one for a digest that
// names the same image everywhere.
type Reported struct {
	Digest   image.Digest
	Platform image.Platform
}

// Images are the images that digests name.
type Images map[Reported]image.Digest

// Of is the image that a digest names on a platform; empty for one that is not known.
func (i Images) Of(digest image.Digest, platform image.Platform) image.Digest {
	return cmp.Or(i[Reported{Digest: digest}], i[Reported{Digest: digest, Platform: platform.OrDefault()}])
}

// Age says how an image that runs relates to the one that its tag points to.
type Age string

// The ages.
const (
	Current Age = "current" // the tag points to it
	Older   Age = "older"   // the tag points to another image
	Unknown Age = "unknown" // the runtime reports no digest, or one that Tagwatch has never seen
)

// AgeOf compares an image with the one that its tag points to.
func AgeOf(runs, tag image.Digest) Age {
	switch {
	case runs == "" || tag == "":
		return Unknown
	case runs == tag:
		return Current
	}
	return Older
}

// Instance is how many containers of a workload run one image.
type Instance struct {
	Key
	// Reported is the digest in the words of the runtime: of a manifest, an index or a
	// configuration.
	Reported image.Digest `json:"reported_digest,omitempty"`
	Image    image.Digest `json:"image_digest,omitempty"`
	Age      Age          `json:"age"`
	Count    int          `json:"count"`
}

// MostInstances is how many workloads an answer or a notification lists of one tag. The
// counts are of all.
const MostInstances = 50

// Running says what the workloads of one tag run.
type Running struct {
	// Total counts their containers, Older those that run an image that the tag no longer
	// points to, and Unknown those whose image is not known.
	Total   int `json:"total"`
	Current int `json:"current"`
	Older   int `json:"older"`
	Unknown int `json:"unknown"`
	// Workloads are at most MostInstances, those that run an older image first; Omitted is
	// how many are missing.
	Workloads []Instance `json:"workloads"`
	Omitted   int        `json:"omitted,omitempty"`
}

var order = map[Age]int{Older: 0, Unknown: 1, Current: 2}

// Summarize counts the instances of one tag.
func Summarize(all []Instance) *Running {
	if len(all) == 0 {
		return nil
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Instance) int {
		return cmp.Or(cmp.Compare(order[a.Age], order[b.Age]), compareKeys(a.Key, b.Key), strings.Compare(string(a.Reported), string(b.Reported)))
	})
	r := &Running{Workloads: all[:min(len(all), MostInstances)], Omitted: max(0, len(all)-MostInstances)}
	for _, each := range all {
		r.Total += each.Count
		switch each.Age {
		case Current:
			r.Current += each.Count
		case Older:
			r.Older += each.Count
		default:
			r.Unknown += each.Count
		}
	}
	return r
}

// Against compares instances with what their tag points to from now on.
func Against(all []Instance, tag image.Resolved) []Instance {
	all = slices.Clone(all)
	for i, each := range all {
		if each.Reported != "" && (each.Reported == tag.Manifest || each.Reported == tag.Index) {
			all[i].Image = tag.Manifest
		}
		all[i].Age = AgeOf(all[i].Image, tag.Manifest)
	}
	return all
}

// Keys are the first of the workloads, each once.
func Keys(all []Instance) (keys []Key) {
	for _, each := range all {
		if len(keys) < MostInstances && !slices.Contains(keys, each.Key) {
			keys = append(keys, each.Key)
		}
	}
	return keys
}

// Of are the first of the instances that run an image.
func Of(all []Instance, digest image.Digest) (some []Instance) {
	for _, each := range all {
		if each.Image == digest && len(some) < MostInstances {
			some = append(some, each)
		}
	}
	return some
}

// Count is how many containers the instances have.
func Count(all []Instance) (n int) {
	for _, each := range all {
		n += each.Count
	}
	return n
}

// Names are the workloads for people, each once.
func Names(all []Instance) (names []string) {
	for _, key := range Keys(all) {
		names = append(names, key.String())
	}
	return names
}
