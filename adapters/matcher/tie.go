package matcher

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/anchore/grype/grype/pkg"
)

// node is a package of an image on its way into a group.
type node struct {
	id      string // syft's artifact id
	member  member
	content string // hash of the member without its owners
	key     string // hash of the member and of what owns it
	owners  []*node
	parent  *node // of the union-find forest; itself at a root
}

// component is a set of packages that may affect each other's findings.
type component []*node

// tie finds the components of an image's packages. Two packages are tied
//   - if the files of one include the other: a record of the owner that says
//     "fixed" or "not affected" suppresses findings of the owned;
//   - if type, name and version are equal: by these, grype finds the packages that
//     a record declares not affected.
func tie(packages []pkg.Package) ([]component, error) {
	nodes, err := newNodes(packages)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		for _, owner := range n.owners {
			union(n, owner)
		}
	}
	for _, alike := range byAddress(nodes) {
		if !sameContent(alike) {
			for _, n := range alike[1:] {
				union(alike[0], n)
			}
		}
	}
	return components(nodes), nil
}

// byAddress groups packages by type, name and version.
func byAddress(nodes []*node) map[[3]string][]*node {
	addressed := make(map[[3]string][]*node, len(nodes))
	for _, n := range nodes {
		address := [3]string{string(n.member.Type), n.member.Name, n.member.Version}
		addressed[address] = append(addressed[address], n)
	}
	return addressed
}

func sameContent(nodes []*node) bool {
	return !slices.ContainsFunc(nodes, func(n *node) bool { return n.content != nodes[0].content })
}

func newNodes(packages []pkg.Package) ([]*node, error) {
	nodes := make([]*node, len(packages))
	byID := make(map[pkg.ID]*node, len(packages))
	for i, p := range packages {
		n, err := newNode(p)
		if err != nil {
			return nil, err
		}
		nodes[i], byID[p.ID] = n, n
	}
	for i, p := range packages {
		nodes[i].owners = ownerNodes(p, byID)
	}
	for _, n := range nodes {
		n.key = n.identify()
	}
	return nodes, nil
}

func newNode(p pkg.Package) (*node, error) {
	m, err := newMember(p)
	if err != nil {
		return nil, err
	}
	text, err := encode([]member{m})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	n := &node{id: string(p.ID), member: m, content: string(sum[:])}
	n.parent = n
	return n, nil
}

// ownerNodes leaves out owners that are not matched because another package covers
// them: they cannot suppress anything.
func ownerNodes(p pkg.Package, byID map[pkg.ID]*node) []*node {
	var owners []*node
	for _, related := range p.RelatedPackages[ownership] {
		if owner, ok := byID[related.ID]; ok {
			owners = append(owners, owner)
		}
	}
	return owners
}

// identify returns the key that distinguishes members: the same package twice in
// an image is two members if only one of them has an owner.
func (n *node) identify() string {
	contents := make([]string, len(n.owners))
	for i, owner := range n.owners {
		contents[i] = owner.content
	}
	slices.Sort(contents)
	key := n.content
	for _, owner := range slices.Compact(contents) {
		key += owner
	}
	return key
}

func (n *node) root() *node {
	for n.parent != n {
		n.parent = n.parent.parent
		n = n.parent
	}
	return n
}

func union(a, b *node) { a.root().parent = b.root() }

// components groups the nodes by root, in any order.
func components(nodes []*node) []component {
	byRoot := map[*node]component{}
	for _, n := range nodes {
		root := n.root()
		byRoot[root] = append(byRoot[root], n)
	}
	return slices.Collect(maps.Values(byRoot))
}
