package inspect

import (
	"bufio"
	"cmp"
	"io"
	"strings"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/filetree"
	syftbom "github.com/anchore/syft/syft/sbom"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// maxRelease bounds the part of os-release that is read.
const maxRelease = 64 << 10

// distro is the distribution as syft identifies it, except for the version: syft has
// Debian's point release there, and policies compare with os-release.
func (o *opened) distro(bill *syftbom.SBOM) sbom.Distro {
	release := bill.Artifacts.LinuxDistribution
	if release == nil {
		return sbom.Distro{}
	}
	return sbom.Distro{
		ID:        release.ID,
		VersionID: cmp.Or(o.releaseVersion(), release.VersionID),
		Like:      release.IDLike,
		Name:      cmp.Or(release.PrettyName, release.Name),
	}
}

// releaseVersion is VERSION_ID of os-release(5); "" if it is missing.
func (o *opened) releaseVersion() string {
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		_, found, err := o.SquashedTree().File(file.Path(path), filetree.FollowBasenameLinks)
		if err != nil || !found.HasReference() {
			continue
		}
		content, err := o.OpenReference(*found.Reference)
		if err != nil {
			continue
		}
		version := versionIn(io.LimitReader(content, maxRelease))
		content.Close()
		if version != "" {
			return version
		}
	}
	return ""
}

func versionIn(release io.Reader) string {
	lines := bufio.NewScanner(release)
	for lines.Scan() {
		if value, found := strings.CutPrefix(strings.TrimSpace(lines.Text()), "VERSION_ID="); found {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}
