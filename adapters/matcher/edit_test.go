package matcher_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	v6 "github.com/anchore/grype/grype/db/v6"
)

// edit is one kind of change that publishers make.
type edit struct {
	name  string
	apply func(*data, *rand.Rand)
}

var edits = []edit{
	{"fix", func(d *data, r *rand.Rand) {
		at := &d.rows[r.IntN(len(d.rows))]
		at.fixed, at.state = at.fixed+"1", v6.FixedStatus
	}},
	{"range", func(d *data, r *rand.Rand) {
		at := &d.rows[r.IntN(len(d.rows))]
		at.constraint = pick(r, "", "< 0.0.1", "< 999", at.constraint)
	}},
	{"row gone", func(d *data, r *rand.Rand) {
		at := r.IntN(len(d.rows))
		d.rows = slices.Delete(d.rows, at, at+1)
	}},
	{"new record", func(d *data, r *rand.Rand) {
		like := d.rows[r.IntN(len(d.rows))]
		with := d.records[like.of]
		with.id = fmt.Sprintf("CVE-2026-%d", r.IntN(1000))
		with.aliases = nil
		d.records = append(d.records, with)
		like.of, like.constraint = len(d.records)-1, ""
		d.rows = append(d.rows, like)
	}},
	{"rejected", func(d *data, r *rand.Rand) {
		at := &d.records[r.IntN(len(d.records))]
		at.rejected = !at.rejected
	}},
	{"severity", func(d *data, r *rand.Rand) {
		d.records[r.IntN(len(d.records))].severity = pick(r, "low", "medium", "high", "critical")
	}},
	{"text", func(d *data, r *rand.Rand) {
		at := &d.records[r.IntN(len(d.records))]
		at.description, at.modified = at.description+" more", at.modified+1
	}},
	{"aliases", func(d *data, r *rand.Rand) {
		at := &d.records[r.IntN(len(d.records))]
		at.aliases = pick(r, nil, []string{"CVE-2023-1"}, []string{"CVE-2023-51"}, []string{"CVE-2023-60"})
	}},
	{"known exploited", func(d *data, r *rand.Rand) {
		d.exploited = pick(r, nil, []string{"CVE-2023-1"}, []string{"CVE-2023-80", "CVE-2023-2"})
	}},
	{"weakness", func(d *data, r *rand.Rand) {
		d.weaknesses = maps.Clone(d.weaknesses)
		d.weaknesses[pick(r, "CVE-2023-1", "CVE-2023-2", "CVE-2023-50")] = pick(r, "CWE-1", "CWE-2")
	}},
	{"not affected", func(d *data, r *rand.Rand) {
		at := &d.rows[r.IntN(len(d.rows))]
		at.unaffected = !at.unaffected
	}},
	{"state", func(d *data, r *rand.Rand) {
		at := &d.rows[r.IntN(len(d.rows))]
		at.fixed, at.state = "", pick(r, v6.WontFixStatus, v6.NotFixedStatus)
	}},
	{"score", func(d *data, _ *rand.Rand) { d.scores = map[string]float64{"CVE-2023-1": 0.9, "CVE-2023-2": 0.1} }},
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// edited returns a copy of the data with edits of those kinds and of others, and
// their names.
func edited(d data, r *rand.Rand, kinds ...int) (data, []string) {
	d.records, d.rows = slices.Clone(d.records), slices.Clone(d.rows)
	var names []string
	for range r.IntN(2) {
		kinds = append(kinds[:len(kinds):len(kinds)], r.IntN(len(edits)))
	}
	for _, kind := range kinds {
		chosen := edits[kind]
		chosen.apply(&d, r)
		names = append(names, chosen.name)
	}
	return d, names
}

// shuffled is the same data in another order, so that row ids differ.
func shuffled(d data, r *rand.Rand) data {
	order := r.Perm(len(d.records))
	place := make([]int, len(order))
	records := make([]record, len(order))
	for to, from := range order {
		records[to], place[from] = d.records[from], to
	}
	d.records, d.rows = records, slices.Clone(d.rows)
	for i := range d.rows {
		d.rows[i].of = place[d.rows[i].of]
	}
	r.Shuffle(len(d.rows), func(i, j int) { d.rows[i], d.rows[j] = d.rows[j], d.rows[i] })
	return d
}
