package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/filetree"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// readFiles lists the squashed file system, and reads each regular file at most once,
// for its digests and for the search.
func (o *opened) readFiles(inventory *sbom.Inventory, search *search) error {
	tree := o.SquashedTree()
	wanted := o.wantedDigests(inventory.Packages)
	inventory.Retrieved = map[string][]byte{}
	reader := &reader{search: search, inventory: inventory, hits: map[file.ID]fileHits{}}
	for _, reference := range tree.AllFiles(file.AllTypes()...) {
		entry, err := o.FileCatalog.Get(reference)
		if err != nil {
			return fmt.Errorf("file %s: %w: %w", reference.RealPath, errkind.Invalid, err)
		}
		if entry.Metadata.Type == file.TypeHardLink {
			entry = o.linked(entry)
		}
		listed := fileOf(entry.Metadata, string(reference.RealPath))
		if listed.Regular() {
			if err := o.read(entry, &listed, wanted[reference.ID()], reader); err != nil {
				return err
			}
		}
		inventory.Files = append(inventory.Files, listed)
	}
	o.followLinks(reader)
	reader.finish()
	for _, layer := range o.Layers {
		inventory.Size += layer.Metadata.Size
	}
	slices.SortFunc(inventory.Files, func(a, b sbom.File) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

func (o *opened) read(entry filetree.IndexEntry, listed *sbom.File, others []sums.Algorithm, reader *reader) error {
	wanted := o.fill(listed, entry, append([]sums.Algorithm{sums.SHA256}, others...))
	if len(wanted) == 0 && !reader.needs(listed) {
		return nil
	}
	content, err := o.OpenReference(entry.Reference)
	if errors.Is(err, fs.ErrNotExist) || content == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w: %w", listed.Path, errkind.Invalid, err)
	}
	defer content.Close()
	if err := reader.read(entry.ID(), content, listed, wanted); err != nil {
		return fmt.Errorf("read %s: %w", listed.Path, err)
	}
	return nil
}

// linked is the file that a hard link into a lower layer names; those within a
// layer are resolved already.
func (o *opened) linked(link filetree.IndexEntry) filetree.IndexEntry {
	_, resolution, err := o.SquashedTree().File(file.Path(path.Join("/", link.LinkDestination)))
	if err != nil || !resolution.HasReference() {
		return link
	}
	target, err := o.FileCatalog.Get(*resolution.Reference)
	if err != nil || target.Metadata.Type != file.TypeRegular {
		return link
	}
	return target
}

// wantedDigests are the digests besides SHA-256 that package databases have for
// files. The databases may name a file by a path through symbolic links.
func (o *opened) wantedDigests(packages []sbom.Package) map[file.ID][]sums.Algorithm {
	wanted := map[file.ID][]sums.Algorithm{}
	for _, each := range packages {
		for _, entry := range each.Manifest {
			algorithm := sums.Algorithm(entry.Algorithm)
			if algorithm != sums.MD5 && algorithm != sums.SHA1 {
				continue
			}
			if id, found := o.lookUp(entry.Path); found && !slices.Contains(wanted[id], algorithm) {
				wanted[id] = append(wanted[id], algorithm)
			}
		}
	}
	return wanted
}

// lookUp finds the file at a path, through symbolic links of its folders.
func (o *opened) lookUp(path string, options ...filetree.LinkResolutionOption) (file.ID, bool) {
	_, resolution, err := o.SquashedTree().File(file.Path(path), options...)
	if err != nil || !resolution.HasReference() {
		return 0, false
	}
	return resolution.ID(), true
}

// followLinks reports hits under the paths of the symbolic links to a file too.
func (o *opened) followLinks(reader *reader) {
	if len(reader.hits) == 0 {
		return
	}
	for _, link := range o.SquashedTree().AllFiles(file.TypeSymLink) {
		path := string(link.RealPath)
		if id, found := o.lookUp(path, filetree.FollowBasenameLinks); found {
			reader.report(path, reader.hits[id])
		}
	}
}

func fileOf(metadata file.Metadata, path string) sbom.File {
	listed := sbom.File{
		Path: path,
		Mode: modeOf(metadata),
		UID:  metadata.UserID,
		GID:  metadata.GroupID,
		Size: metadata.Size(),
	}
	if metadata.Type == file.TypeSymLink {
		listed.Link = metadata.LinkDestination
	}
	return listed
}

// modeOf is st_mode: Go keeps type and special bits elsewhere than POSIX does.
func modeOf(metadata file.Metadata) uint32 {
	mode := uint32(metadata.Mode().Perm())
	for bit, posix := range map[fs.FileMode]uint32{
		fs.ModeSetuid: sbom.ModeSetUID, fs.ModeSetgid: sbom.ModeSetGID, fs.ModeSticky: sbom.ModeSticky,
	} {
		if metadata.Mode()&bit != 0 {
			mode |= posix
		}
	}
	return mode | typeBits[metadata.Type]
}

var typeBits = map[file.Type]uint32{
	file.TypeRegular:         sbom.ModeRegular,
	file.TypeHardLink:        sbom.ModeRegular,
	file.TypeSymLink:         sbom.ModeSymlink,
	file.TypeCharacterDevice: sbom.ModeChar,
	file.TypeBlockDevice:     sbom.ModeBlock,
	file.TypeDirectory:       sbom.ModeDirectory,
	file.TypeFIFO:            sbom.ModeFIFO,
}
