package inspect

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/source"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// errForeign reports that an SBOM is not of an image with the same layers.
var errForeign = errors.New("the SBOM is of other layers")

// bill is an SBOM in syft's JSON; only the parts that name the image are decoded.
type bill struct {
	Artifacts     json.RawMessage `json:"artifacts"`
	Relationships []relationship  `json:"artifactRelationships"`
	Files         json.RawMessage `json:"files,omitempty"`
	Source        origin          `json:"source"`
	Distro        json.RawMessage `json:"distro"`
	Descriptor    json.RawMessage `json:"descriptor"`
	Schema        json.RawMessage `json:"schema"`
}

type relationship struct {
	Parent   string          `json:"parent"`
	Child    string          `json:"child"`
	Type     string          `json:"type"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// origin is the image in an SBOM.
type origin struct {
	ID       string               `json:"id"`
	Name     string               `json:"name"`
	Version  string               `json:"version"`
	Supplier string               `json:"supplier,omitempty"`
	Type     string               `json:"type"`
	Metadata source.ImageMetadata `json:"metadata"`
}

// Restamp turns the result of an analysis into that of another image with the same
// unpacked layers, as if that image had been analyzed. Only the manifest, the
// configuration and the name may differ.
func Restamp(request Request, inventory *sbom.Inventory, document []byte) (*sbom.Inventory, []byte, error) {
	var read bill
	manifest, manifestErr := v1.ParseManifest(bytes.NewReader(request.Manifest))
	config, configErr := image.ParseConfiguration(request.Config)
	if err := errors.Join(manifestErr, configErr, json.Unmarshal(document, &read)); err != nil {
		return nil, nil, fmt.Errorf("restamp: %w", err)
	}
	if err := read.restamp(request, manifest, config); err != nil {
		return nil, nil, fmt.Errorf("restamp: %w", err)
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false) // as syft writes it
	if err := encoder.Encode(read); err != nil {
		return nil, nil, fmt.Errorf("restamp: %w", err)
	}
	stamped := *inventory
	configure(&stamped, request, config)
	return &stamped, written.Bytes(), nil
}

func (b *bill) restamp(request Request, manifest *v1.Manifest, config image.Configuration) error {
	of := &b.Source.Metadata
	if len(of.Layers) != len(manifest.Layers) || len(of.Layers) != len(config.DiffIDs) {
		return errForeign
	}
	for i, diffID := range config.DiffIDs {
		if of.Layers[i].Digest != string(diffID) {
			return errForeign
		}
		of.Layers[i].MediaType = string(manifest.Layers[i].MediaType)
	}
	before := b.Source.ID
	b.Source.ID = sumOf(request.Manifest)
	b.Source.Name, b.Source.Version, _ = strings.Cut(request.Name, "@")
	of.UserInput, of.RepoDigests = request.Name, []string{request.Name}
	if b.Source.Version == "" {
		b.Source.Version, of.RepoDigests = string(request.Digest), []string{}
	}
	of.ID, of.ManifestDigest = "sha256:"+sumOf(request.Config), "sha256:"+sumOf(request.Manifest)
	of.MediaType, of.RawManifest, of.RawConfig = string(manifest.MediaType), request.Manifest, request.Config
	of.Architecture, of.Variant, of.OS = config.Platform.Architecture, config.Platform.Variant, config.Platform.OS
	of.Labels = config.Labels
	b.relate(before)
	return nil
}

// relate puts the image's new ID into the relationships, which are sorted by it.
func (b *bill) relate(before string) {
	for i := range b.Relationships {
		each := &b.Relationships[i]
		if each.Parent == before {
			each.Parent = b.Source.ID
		}
		if each.Child == before {
			each.Child = b.Source.ID
		}
	}
	slices.SortStableFunc(b.Relationships, func(x, y relationship) int {
		return cmp.Or(cmp.Compare(x.Parent, y.Parent), cmp.Compare(x.Child, y.Child), cmp.Compare(x.Type, y.Type))
	})
}

func sumOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

// configure fills the inventory with what the configuration says.
func configure(inventory *sbom.Inventory, request Request, config image.Configuration) {
	inventory.Digest = request.Digest
	inventory.ImageID = sumOf(request.Config)
	inventory.OS, inventory.Architecture = config.Platform.OS, config.Platform.Architecture
	inventory.Created = config.Created
	inventory.Layers, inventory.BaseLayers = len(config.DiffIDs), config.BaseLayers
	inventory.Dockerfile = sbom.Dockerfile{Text: sbom.InferDockerfile(historyOf(config))}
	inventory.FileSystem = fileSystemOf(config)
}

// fileSystemOf identifies the squashed file system: a digest of the diff IDs in
// their order.
func fileSystemOf(config image.Configuration) string {
	var text []byte
	for _, diffID := range config.DiffIDs {
		text = append(text, diffID+"\n"...)
	}
	return sumOf(text)
}

// FileSystem is the FileSystem in the inventory of an image with that configuration.
func FileSystem(config []byte) (string, error) {
	parsed, err := image.ParseConfiguration(config)
	if err != nil {
		return "", fmt.Errorf("read configuration: %w", err)
	}
	return fileSystemOf(parsed), nil
}
