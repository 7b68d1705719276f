package policy

// used is the set of ids that mappings refer to.
func (b *Bundle) used(ids func(Mapping) []string) map[string]bool {
	used := map[string]bool{}
	for _, m := range b.Mappings {
		for _, id := range ids(m) {
			used[id] = true
		}
	}
	return used
}

// identified is a policy or a whitelist.
type identified interface{ id() string }

func (p Policy) id() string { return p.ID }

func (w Whitelist) id() string { return w.ID }

// readEach reads policies or whitelists. Errors in one that is not used are
// warnings.
func readEach[T identified](used map[string]bool, nodes []node, read func(node) T) []T {
	var all []T
	seen := map[string]bool{}
	for _, n := range nodes {
		n.problems.lenient = !used[peekID(n)]
		part := read(n)
		if id := part.id(); id != "" && seen[id] {
			n.warn(problemDuplicate, "the id %q occurs more than once, give each an id of its own", id)
		}
		seen[part.id()] = true
		n.problems.lenient = false
		all = append(all, part)
	}
	return all
}

// peekID is the id of the object, without reporting anything.
func peekID(n node) string {
	silent := node{n.path, n.raw, newProblems()}
	return silent.object().at("id").text()
}

// checkReferences completes the mappings' faults with the references that lead
// nowhere or to more than one.
func (b *Bundle) checkReferences(p *problems) {
	policies, whitelists := count(b.Policies), count(b.Whitelists)
	for i := range b.Mappings {
		m := &b.Mappings[i]
		m.faults = append(m.faults, p.faults(func() {
			m.checkReferences(p, m.policyRefs, policies)
			m.checkReferences(p, m.whitelistRefs, whitelists)
		})...)
	}
}

// byID finds the first part with an id. References to ids that occur again are
// faults of the mapping.
func byID[T identified](parts []T) map[string]*T {
	first := map[string]*T{}
	for i := range parts {
		if first[parts[i].id()] == nil {
			first[parts[i].id()] = &parts[i]
		}
	}
	return first
}

func count[T identified](parts []T) map[string]int {
	counts := map[string]int{}
	for _, part := range parts {
		counts[part.id()]++
	}
	return counts
}
