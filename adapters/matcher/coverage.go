package matcher

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/grype/grype/vulnerability"
	"github.com/anchore/syft/syft/linux"
	syft "github.com/anchore/syft/syft/pkg"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// distributed are the types of packages that come from a distribution: grype
// finds their vulnerabilities by the name of the distribution and of the package.
var distributed = []syft.Type{syft.DebPkg, syft.RpmPkg, syft.ApkPkg, syft.AlpmPkg, syft.PortagePkg, syft.KbPkg}

// system is a [vuln.Distribution], decoded.
type system struct {
	Named    string   `json:"n,omitempty"` // by the image, for people
	Release  *release `json:"r,omitempty"` // that grype takes it for; nil if it recognizes none
	Packages bool     `json:"p,omitempty"` // some are of a distribution
}

// newSystem is the distribution of an image as grype read it from its SBOM.
func newSystem(named *linux.Release, of pkg.Context, packages []pkg.Package) system {
	s := system{Release: newRelease(of.Distro)}
	if named != nil {
		s.Named = strings.TrimSpace(cmp.Or(named.ID, named.Name) + " " + cmp.Or(named.VersionID, named.Version, named.VersionCodename))
	}
	s.Packages = slices.ContainsFunc(packages, func(p pkg.Package) bool { return slices.Contains(distributed, p.Type) })
	return s
}

func (s system) encode() (vuln.Distribution, error) {
	text, err := json.Marshal(s)
	return vuln.Distribution(text), err
}

// systemOf is the distribution of the packages of a group; false if grype
// recognizes none.
func systemOf(document []byte) (s system, found bool, err error) {
	members, err := decodeMembers(document)
	for _, each := range members {
		if each.Distro != nil && slices.Contains(distributed, each.Type) {
			return system{Release: each.Distro, Packages: true}, true, nil
		}
	}
	return s, false, err
}

// Coverage reports for each distribution whether a data build has records about
// it: it looks the distribution up as grype does for each of its packages,
// aliases, ID_LIKE and rolling releases included. Where grype has nothing about a
// release and takes the data of all others instead, that release is not covered.
func (m *Matcher) Coverage(ctx context.Context, checksum string, distributions []vuln.Distribution) (map[vuln.Distribution]vuln.Coverage, error) {
	return with(m, checksum, func(db *Database) (map[vuln.Distribution]vuln.Coverage, error) {
		return read(ctx, db, func(reader *reader) (map[vuln.Distribution]vuln.Coverage, error) {
			coverage := make(map[vuln.Distribution]vuln.Coverage, len(distributions))
			for _, each := range distributions {
				found, err := reader.lookUp(each)
				if err != nil {
					return nil, err
				}
				coverage[each] = found.Coverage
			}
			return coverage, nil
		})
	})
}

// Dataless reports for each group whether its packages are of a distribution
// about which a data build has nothing at all, so that matching it finds nothing.
func (m *Matcher) Dataless(ctx context.Context, checksum string, groups []vuln.Group) ([]bool, error) {
	return with(m, checksum, func(db *Database) ([]bool, error) {
		return read(ctx, db, func(reader *reader) (dataless []bool, err error) {
			dataless = make([]bool, len(groups))
			for i, group := range groups {
				if dataless[i], err = reader.dataless(group.Document); err != nil {
					return nil, err
				}
			}
			return dataless, nil
		})
	})
}

func (r *reader) dataless(document []byte) (bool, error) {
	s, found, err := systemOf(document)
	if err != nil || !found {
		return false, nil // matching reports a group that cannot be read
	}
	distribution, err := s.encode()
	if err != nil {
		return false, err
	}
	records, err := r.lookUp(distribution)
	return records.Missing() && !records.others, err
}

// lookUp is what a data build has about a distribution.
type lookUp struct {
	vuln.Coverage
	others bool // about other releases, of which grype takes the records
}

// lookUp caches what it finds: a data build never changes.
func (r *reader) lookUp(distribution vuln.Distribution) (lookUp, error) {
	return remember(&r.systems, distribution, nil, func(vuln.Distribution) (lookUp, error) {
		var s system
		if err := json.Unmarshal([]byte(distribution), &s); err != nil {
			return lookUp{}, fmt.Errorf("decode distribution: %w: %w", errkind.Invalid, err)
		}
		found, err := r.cover(s)
		return found, cmp.Or(r.takeFailure(), err)
	})
}

func (r *reader) cover(s system) (lookUp, error) {
	found := lookUp{Coverage: vuln.Coverage{State: vuln.NotCovered, Distribution: s.name()}}
	switch {
	case s.Release != nil:
	case s.Named != "":
		found.Reason = "grype does not know the distribution " + s.Named
		return found, nil
	case s.Packages:
		found.Reason = "the image does not say which distribution its packages are from"
		return found, nil
	default:
		found.State = vuln.NotApplicable
		return found, nil
	}
	own, others, err := r.records(s.specifier())
	if err == nil {
		found.EndOfLife, err = r.endOfLife(s.Release)
	}
	found.others = others
	switch {
	case err != nil:
	case own:
		found.State = vuln.Covered
	case others:
		found.Reason = "the data has nothing about " + found.Distribution + ", only about other releases"
	default:
		found.Reason = "the data has nothing about " + found.Distribution
	}
	return found, err
}

// name is what the image says, and what grype takes it for if that differs.
func (s system) name() string {
	if s.Release == nil {
		return s.Named
	}
	taken := strings.TrimSpace(s.Release.distro().String())
	if s.Named == "" || strings.HasPrefix(s.Named+" ", s.Release.distro().ID()+" ") {
		return cmp.Or(s.Named, taken)
	}
	return s.Named + " (as " + taken + ")"
}

// specifier is what grype looks for. Channels only add fixes to the records of
// the release itself.
func (s system) specifier() v6.OSSpecifier {
	d := s.Release.distro()
	return v6.OSSpecifier{Name: d.Name(), MajorVersion: d.MajorVersion(), MinorVersion: d.MinorVersion(),
		RemainingVersion: d.RemainingVersion(), LabelVersion: d.LabelVersion()}
}

// records reports whether there are records about the release itself, or only
// about the other releases that grype falls back to.
func (r *reader) records(release v6.OSSpecifier) (own, others bool, err error) {
	used, err := r.GetOperatingSystems(release)
	if err != nil || len(used) == 0 {
		return false, false, missingSystem(err)
	}
	release.DisableFallback = true
	exact, err := r.GetOperatingSystems(release)
	if err != nil {
		return false, false, err
	}
	some, err := r.haveRecords(used)
	own = len(exact) > 0 || !slices.ContainsFunc(used, func(os v6.OperatingSystem) bool { return os.MinorVersion != "" })
	return some && own, some && !own, err
}

// endOfLife is that of exactly this release, of the distribution itself: one that
// takes the records of another has a life of its own.
func (r *reader) endOfLife(of *release) (time.Time, error) {
	date, _, err := r.provider.(vulnerability.EOLChecker).GetOperatingSystemEOL(of.distro())
	if err != nil || date == nil {
		return time.Time{}, missingSystem(err)
	}
	return date.UTC(), nil
}

// missingSystem drops the errors that only say that there is no such system.
func missingSystem(err error) error {
	if errors.Is(err, v6.ErrMissingOSIdentification) || errors.Is(err, v6.ErrOSNotPresent) {
		return nil
	}
	return err
}

// haveRecords reports whether anything is said to be affected in one of the
// systems: a name without records, or with nothing but what is not affected,
// leads to no finding.
func (r *reader) haveRecords(systems []v6.OperatingSystem) (bool, error) {
	ids := make([]int64, len(systems))
	for i, os := range systems {
		ids[i] = int64(os.ID)
	}
	var rows []int64
	err := r.GetDB().Raw("SELECT 1 FROM affected_package_handles WHERE operating_system_id IN ? LIMIT 1", ids).Scan(&rows).Error
	if err != nil {
		return false, fmt.Errorf("look for records of a distribution: %w", err)
	}
	return len(rows) > 0, nil
}
