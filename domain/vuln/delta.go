package vuln

// Delta reports which packages' findings may differ between two builds. It
// may name packages whose findings do not; it never misses one whose do.
type Delta struct {
	// All reports that every package has to be matched again.
	All     bool
	changed map[SumKey]struct{}
}

// Changed compares the sums of two builds. A missing previous one, another
// layout or a change of what concerns every package touches all.
func Changed(previous, next *Sums) Delta {
	if previous == nil || next == nil || next.Layout == 0 ||
		previous.Layout != next.Layout || previous.Global != next.Global {
		return Delta{All: true}
	}
	d := Delta{changed: map[SumKey]struct{}{}}
	for key, sum := range next.Keys {
		if known, ok := previous.Keys[key]; !ok || known != sum {
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

// Size is the number of changed keys; of no meaning if All.
func (d Delta) Size() int { return len(d.changed) }

// Empty reports that no package is touched.
func (d Delta) Empty() bool { return !d.All && len(d.changed) == 0 }

// Touches reports whether findings may differ for a group of packages with these
// Group.Keys and, over all its stored findings, these Finding.Refs.
func (d Delta) Touches(keys, refs []string) bool {
	if d.All {
		return true
	}
	for _, name := range keys {
		if d.has(NameKey(name)) {
			return true
		}
	}
	for _, id := range refs {
		if d.has(RefKey(id)) {
			return true
		}
	}
	return false
}

func (d Delta) has(key SumKey) bool {
	_, ok := d.changed[key]
	return ok
}
