package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// mostRows bounds what is stored of the workloads of one source.
const mostRows = 100_000

// running are the workloads of what was found, by the names under which their tags are
// watched.
func (v View) running(found []Found, members []Member) ([]workload.Row, error) {
	watched := map[image.Target]image.Target{}
	for _, member := range members {
		watched[Canonical(member.Target)] = member.Target
	}
	var rows []workload.Row
	index := map[string]int{}
	origins := map[workload.Key]string{}
	for _, f := range found {
		target, member := watched[Canonical(f.Target)]
		if !member || f.Reason != "" && f.Reason != BadLabel && f.Reason != Nameless {
			continue
		}
		for _, w := range f.Workloads {
			for _, running := range w.Running {
				row := v.row(w, running, target)
				origins[row.Key] = earlier(origins[row.Key], w.Origin)
				key := strings.Join([]string{row.Kind, row.Namespace, row.Name, row.Container, target.String(), string(row.Digest)}, "\x00")
				if at, again := index[key]; again {
					rows[at].Count += row.Count
					continue
				}
				index[key] = len(rows)
				rows = append(rows, row)
			}
		}
	}
	for i, row := range rows {
		rows[i].Origin = origins[row.Key]
	}
	if len(rows) > mostRows {
		return nil, fmt.Errorf("its workloads run %d images, more than %d; split the source: %w", len(rows), mostRows, errkind.Limit)
	}
	return rows, nil
}

func (v View) row(w Workload, running Running, target image.Target) workload.Row {
	return workload.Row{Key: workload.Key{Source: v.Source.Name, Kind: w.Kind, Namespace: w.Namespace, Name: w.Name, Container: w.Container},
		Target: target, Digest: running.Digest, Image: v.Images.Of(running.Digest, target.Platform), Count: running.Count}
}

// follow compares what runs with what ran at the last listing.
func (d *Decision) follow(v View, found []Found) error {
	rows, err := v.running(found, d.State.Members)
	if err != nil {
		return err
	}
	before, rows := v.withoutCounted(rows)
	outcome := workload.Follow(workload.Listing{Before: before, Now: rows, Forms: v.Forms, At: d.State.Checked,
		Notifies: func(target image.Target) bool { return d.subscribed(v, target) != nil }})
	d.Running, d.Updates, d.Waiting = outcome.Rows, outcome.Updates, outcome.Waiting
	for i, u := range d.Updates {
		at := slices.IndexFunc(d.Running, func(r workload.Row) bool {
			return r.Key == u.Key && r.Target == u.Target && (r.Image == u.After || r.Digest == u.After)
		})
		if at >= 0 {
			d.Updates[i].Age = workload.AgeOf(d.Running[at].Image, v.PointsTo[u.Target])
		}
	}
	return nil
}

// Questions are those to registries that updates wait for, each once.
func (d *Decision) Questions() (questions []workload.Question) {
	for _, wait := range d.Waiting {
		for _, each := range wait.Ask {
			if !slices.Contains(questions, each) {
				questions = append(questions, each)
			}
		}
	}
	return questions
}

// Reported are the digests that the workloads of a listing and of the one before run.
func Reported(found []Found, before []workload.Row) (digests []image.Digest) {
	for _, f := range found {
		for _, w := range f.Workloads {
			for _, running := range w.Running {
				digests = append(digests, running.Digest)
			}
		}
	}
	for _, row := range before {
		digests = append(digests, row.Digest)
	}
	slices.Sort(digests)
	digests = slices.Compact(digests)
	if len(digests) > 0 && digests[0] == "" {
		digests = digests[1:]
	}
	return digests
}
