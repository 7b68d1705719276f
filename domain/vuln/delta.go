package vuln

// Delta is the packages whose findings may differ between two builds. It may include
// packages whose findings do not; it never misses one.
type Delta struct {
	All     bool // every package has to be matched again
	changed map[SumKey]struct{}
}

// Changed compares the sums of two builds. Without a previous one, with another layout,
// or if data about every package changed, it is all packages.
func Changed(previous, next *Sums) Delta {
	if previous == nil || next == nil || next.Layout == 0 ||
		previous.Layout != next.Layout || previous.Global != next.Global {
		return Delta{All: true}
	}
	d := Delta{changed: map[SumKey]struct{}{}}
	for key, sum := range next.Keys {
		if before, ok := previous.Keys[key]; !ok || before != sum {
			d.changed[key] = struct{}{}
		}
	}
	for key := range previous.Keys {
		if _, ok := next.Keys[key]; !ok {
			d.changed[key] = struct{}{}
		}
	}
	return d
}

// Size is the number of changed keys, unless All.
func (d Delta) Size() int { return len(d.changed) }

// Empty reports whether no package is touched.
func (d Delta) Empty() bool { return !d.All && len(d.changed) == 0 }

// TouchesName reports whether findings may differ for packages with this one of their
// Group.Keys.
func (d Delta) TouchesName(key string) bool { return d.All || d.has(NameKey(key)) }

// TouchesRecord reports whether findings may differ that have this one of their
// Finding.Refs.
func (d Delta) TouchesRecord(ref string) bool { return d.All || d.has(RefKey(ref)) }

func (d Delta) has(key SumKey) bool {
	_, ok := d.changed[key]
	return ok
}
