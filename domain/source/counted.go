package source

import (
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Counted is a workload of a tag, by its origin.
type Counted struct {
	Origin string
	Target image.Target
}

// Origins are those of a listing, under which other sources may count its workloads.
func Origins(found []Found) (origins []string) {
	for _, f := range found {
		for _, w := range f.Workloads {
			whole, _, _ := strings.Cut(w.Origin, "@")
			origins = append(origins, w.Origin, whole)
		}
	}
	slices.Sort(origins)
	return slices.DeleteFunc(slices.Compact(origins), func(origin string) bool { return origin == "" })
}

// part is a workload of a tag, as one source lists it.
type part struct {
	workload.Key
	target image.Target
}

// withoutCounted are the rows of the last listing and of this one without the workloads
// that another source counts. Of two that do at the same time, the first by its name goes
// on. A workload that was made anew stays once more: only who knew the former one can say
// whether it starts to run another image.
func (v View) withoutCounted(rows []workload.Row) (before, now []workload.Row) {
	known := map[part]string{}
	for _, row := range v.Running {
		if row.Count > 0 {
			known[part{row.Key, row.Target}] = row.Origin
		}
	}
	counted := func(row workload.Row) bool {
		origin, mine := known[part{row.Key, row.Target}]
		if row.Origin == "" || mine && origin != row.Origin {
			return false
		}
		if whole, _, is := strings.Cut(row.Origin, "@"); is && v.Elsewhere[Counted{whole, row.Target}] != "" {
			return true
		}
		by := v.Elsewhere[Counted{row.Origin, row.Target}]
		return by != "" && (!mine || by < v.Source.Name)
	}
	dropped := map[part]bool{}
	for _, row := range rows {
		if counted(row) {
			dropped[part{row.Key, row.Target}] = true
		}
	}
	without := func(all []workload.Row) []workload.Row {
		return slices.DeleteFunc(slices.Clone(all), func(row workload.Row) bool { return dropped[part{row.Key, row.Target}] })
	}
	return without(v.Running), without(rows)
}
