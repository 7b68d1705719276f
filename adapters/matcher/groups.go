package matcher

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/syft/syft/artifact"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

const ownership = artifact.OwnershipByFileOverlapRelationship

// Groups reads an SBOM in syft's JSON, as `grype sbom:` does, into groups that
// are matched independently of each other, in the order of their fingerprints,
// and the distribution that the image is of.
func Groups(sbomJSON []byte) ([]vuln.Group, vuln.Distribution, error) {
	packages, about, document, err := pkg.ProvideFromReader(bytes.NewReader(sbomJSON), providerConfig())
	if err != nil {
		return nil, "", fmt.Errorf("read SBOM: %w: %w", errkind.Invalid, err)
	}
	distribution, err := newSystem(document.Artifacts.LinuxDistribution, about, packages).encode()
	if err != nil {
		return nil, "", err
	}
	components, err := tie(packages)
	if err != nil {
		return nil, "", err
	}
	groups, err := groupsOf(components)
	return groups, distribution, err
}

func groupsOf(components []component) ([]vuln.Group, error) {
	byFingerprint := map[string]vuln.Group{}
	for _, c := range components {
		group, err := c.group()
		if err != nil {
			return nil, err
		}
		if same, found := byFingerprint[group.Fingerprint]; found {
			group.Artifacts = join(same.Artifacts, group.Artifacts)
		}
		byFingerprint[group.Fingerprint] = group
	}
	return slices.SortedFunc(maps.Values(byFingerprint), func(a, b vuln.Group) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) }), nil
}

// join adds the artifacts of an equal group, member by member.
func join(a, b [][]string) [][]string {
	for i := range a {
		a[i] = slices.Compact(slices.Sorted(slices.Values(append(a[i], b[i]...))))
	}
	return a
}

// group makes the group of tied packages. Packages that match alike are one
// member.
func (c component) group() (vuln.Group, error) {
	members, artifacts := c.members()
	document, err := encode(members)
	if err != nil {
		return vuln.Group{}, err
	}
	sum := sha256.Sum256(document)
	return vuln.Group{
		Fingerprint: hex.EncodeToString(sum[:16]),
		Document:    document,
		Keys:        keysOf(members),
		Artifacts:   artifacts,
		Packages:    packagesOf(members),
	}, nil
}

func packagesOf(members []member) []vuln.Package {
	packages := make([]vuln.Package, len(members))
	for i, m := range members {
		packages[i] = vuln.Package{Name: m.Name, Version: m.Version, Type: string(m.Type), PURL: m.PURL}
	}
	return packages
}

// members returns the distinct members with their owners, and the artifacts of
// each. Their order depends on their content only.
func (c component) members() ([]member, [][]string) {
	order := c.distinct()
	at := make(map[string]int, len(order))
	for i, key := range order {
		at[key] = i
	}
	members := make([]member, len(order))
	artifacts := make([][]string, len(order))
	for _, node := range c {
		i := at[node.key]
		owners := members[i].Owners
		for _, owner := range node.owners {
			owners = append(owners, at[owner.key])
		}
		members[i] = node.member
		members[i].Owners = slices.Compact(slices.Sorted(slices.Values(owners)))
		artifacts[i] = append(artifacts[i], node.id)
	}
	for i := range artifacts {
		slices.Sort(artifacts[i])
	}
	return members, artifacts
}

func (c component) distinct() []string {
	keys := make([]string, len(c))
	for i, node := range c {
		keys[i] = node.key
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
