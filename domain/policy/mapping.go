package policy

// Mapping picks the policies and whitelists for the images it selects.
type Mapping struct {
	Selection
	PolicyIDs    []string // in order
	WhitelistIDs []string // in order

	policyRefs, whitelistRefs []reference
	// faults are errors that do not keep the mapping from selecting.
	faults []Problem
	// content identifies the mapping with all that it applies.
	content string
}

func (m Mapping) selection() Selection { return m.Selection }

// reference is an id and where it stands.
type reference struct{ id, kind, path string }

func (m Mapping) policies() []string { return m.PolicyIDs }

func (m Mapping) whitelists() []string { return m.WhitelistIDs }

func readMappings(nodes []node) []Mapping {
	var all []Mapping
	seen := map[string]bool{}
	for _, n := range nodes {
		m := readMapping(n)
		if m.ID != "" && seen[m.ID] {
			n.warn(problemDuplicate, "the id %q occurs more than once among the mappings", m.ID)
		}
		seen[m.ID] = true
		all = append(all, m)
	}
	return all
}

func readMapping(n node) Mapping {
	m := Mapping{}
	var o object
	m.Selection, o = readSelection(n)
	m.faults = n.problems.faults(func() {
		m.policyRefs = readPolicyReferences(o)
		m.whitelistRefs = readReferences(o.at("whitelist_ids"), "whitelist")
	})
	for _, r := range m.policyRefs {
		m.PolicyIDs = append(m.PolicyIDs, r.id)
	}
	for _, r := range m.whitelistRefs {
		m.WhitelistIDs = append(m.WhitelistIDs, r.id)
	}
	return m
}

// readPolicyReferences reads policy_ids or its older form, policy_id.
func readPolicyReferences(o object) []reference {
	many := readReferences(o.at("policy_ids"), "policy")
	single := o.at("policy_id")
	id := single.text()
	switch {
	case id != "" && len(many) > 0:
		single.error(problemInvalid, "a mapping has policy_id or policy_ids, not both; keep policy_ids")
	case id != "":
		many = []reference{{id, "policy", single.path}}
	case len(many) == 0 && o.fields != nil:
		o.error(problemInvalid, "the mapping names no policy, write \"policy_ids\": [\"<id of a policy>\"]")
	}
	return many
}

// readReferences leaves empty ids out, as Anchore does.
func readReferences(list node, kind string) []reference {
	var references []reference
	for _, n := range list.items() {
		if id := n.text(); id != "" {
			references = append(references, reference{id, kind, n.path})
		}
	}
	return references
}

// checkReferences reports the references whose id does not occur exactly once.
func (m *Mapping) checkReferences(p *problems, references []reference, counts map[string]int) {
	for _, r := range references {
		switch counts[r.id] {
		case 0:
			p.error(r.path, problemReference, "no %s has the id %q%s", r.kind, r.id, meant(r.id, counts))
		case 1:
		default:
			p.error(r.path, problemDuplicate, "the bundle has %d %s entries with the id %q", counts[r.id], r.kind, r.id)
		}
	}
}

// maxSuggested is how many ids a misspelt one is compared with.
const maxSuggested = 500

func meant(id string, counts map[string]int) string {
	if len(counts) > maxSuggested {
		return ""
	}
	var known []string
	for candidate := range counts {
		known = append(known, candidate)
	}
	if found := closest(id, known); found != "" {
		return "; did you mean \"" + found + "\"?"
	}
	return ""
}
