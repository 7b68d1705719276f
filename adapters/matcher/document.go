package matcher

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/anchore/grype/grype/distro"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/cpe"
	syft "github.com/anchore/syft/syft/pkg"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// member is one package of a group with everything that matching checks, and
// nothing else, so that packages which match alike are encoded alike. Licences,
// places and ids are not checked; CPEs only for some types.
type member struct {
	Name      string                `json:"n"`
	Version   string                `json:"v"`
	Type      syft.Type             `json:"t"`
	Language  syft.Language         `json:"l,omitempty"`
	PURL      string                `json:"p,omitempty"`
	Distro    *release              `json:"d,omitempty"`
	Upstreams []pkg.UpstreamPackage `json:"u,omitempty"`
	CPEs      [][]string            `json:"c,omitempty"`
	Metadata  *metadata             `json:"m,omitempty"`
	Owners    []int                 `json:"o,omitempty"` // members whose files include the package's
}

// release is a distribution.
type release struct {
	Type     distro.Type `json:"t"`
	Version  string      `json:"v,omitempty"`
	Codename string      `json:"c,omitempty"`
	Channels []string    `json:"h,omitempty"`
	Like     []string    `json:"l,omitempty"`
}

// newMember reads a package; owners are not set.
func newMember(p pkg.Package) (member, error) {
	extra, err := newMetadata(p.Metadata)
	if err != nil {
		return member{}, fmt.Errorf("package %s %s: %w", p.Name, p.Version, err)
	}
	m := member{
		Name: p.Name, Version: p.Version, Type: p.Type, Language: p.Language, PURL: p.PURL,
		Distro: newRelease(p.Distro), Upstreams: p.Upstreams, Metadata: extra,
	}
	if usesProducts(p.Type) {
		m.CPEs = newCPEs(p.CPEs)
	}
	return m, nil
}

// pkg is the inverse of newMember.
func (m member) pkg(id int) pkg.Package {
	return pkg.Package{
		ID: pkg.ID(strconv.Itoa(id)), Name: m.Name, Version: m.Version, Type: m.Type, Language: m.Language,
		PURL: m.PURL, Distro: m.Distro.distro(), Upstreams: m.Upstreams, CPEs: cpes(m.CPEs), Metadata: m.Metadata.pkg(),
	}
}

// encode writes members; equal members give equal bytes.
func encode(members []member) ([]byte, error) {
	document, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encode group: %w", err)
	}
	return document, nil
}

func decodeMembers(document []byte) ([]member, error) {
	var members []member
	if err := json.Unmarshal(document, &members); err != nil {
		return nil, fmt.Errorf("decode group: %w: %w", errkind.Invalid, err)
	}
	return members, nil
}

// decode reads what encode wrote into packages tied to their owners. A package's
// ID is its index.
func decode(document []byte) ([]pkg.Package, error) {
	members, err := decodeMembers(document)
	if err != nil {
		return nil, err
	}
	packages := make([]pkg.Package, len(members))
	for i, m := range members {
		packages[i] = m.pkg(i)
	}
	for i, m := range members {
		owners, err := ownersOf(m, packages)
		if err != nil {
			return nil, err
		}
		if len(owners) > 0 {
			packages[i].RelatedPackages = map[artifact.RelationshipType][]*pkg.Package{ownership: owners}
		}
	}
	return packages, nil
}

func ownersOf(m member, packages []pkg.Package) ([]*pkg.Package, error) {
	var owners []*pkg.Package
	for _, at := range m.Owners {
		if at < 0 || at >= len(packages) {
			return nil, fmt.Errorf("decode group: %w: package %s has owner %d of %d", errkind.Invalid, m.Name, at, len(packages))
		}
		owners = append(owners, &packages[at])
	}
	return owners, nil
}

func newRelease(d *distro.Distro) *release {
	if d == nil {
		return nil
	}
	return &release{Type: d.Type, Version: d.Version, Codename: d.Codename, Channels: d.Channels, Like: d.IDLike}
}

// distro goes through the constructor, which alone splits the version.
func (r *release) distro() *distro.Distro {
	if r == nil {
		return nil
	}
	d := distro.New(r.Type, r.Version, r.Codename, slices.Clone(r.Like)...)
	d.Channels, d.IDLike = r.Channels, r.Like
	return d
}

// newCPEs keeps the fields as they are: no text form of a CPE survives being
// parsed again in every case.
func newCPEs(list []cpe.CPE) [][]string {
	out := make([][]string, 0, len(list))
	for _, c := range list {
		a := c.Attributes
		fields := []string{a.Part, a.Vendor, a.Product, a.Version, a.Update, a.Edition,
			a.SWEdition, a.TargetSW, a.TargetHW, a.Other, a.Language}
		for len(fields) > 0 && fields[len(fields)-1] == "" {
			fields = fields[:len(fields)-1]
		}
		out = append(out, fields)
	}
	return out
}

func cpes(list [][]string) []cpe.CPE {
	var out []cpe.CPE
	for _, fields := range list {
		var f [11]string
		copy(f[:], fields)
		out = append(out, cpe.CPE{Attributes: cpe.Attributes{
			Part: f[0], Vendor: f[1], Product: f[2], Version: f[3], Update: f[4], Edition: f[5],
			SWEdition: f[6], TargetSW: f[7], TargetHW: f[8], Other: f[9], Language: f[10],
		}})
	}
	return out
}
