package matcher

import (
	"fmt"
	"maps"
	"slices"

	"github.com/anchore/grype/grype/pkg"
)

// metadata is what matching checks of grype's metadata; exactly one field is
// set. Checksums, build settings, file lists and archive paths are left out: they
// differ from image to image and decide nothing.
type metadata struct {
	RPM      *pkg.RpmMetadata                `json:"rpm,omitempty"`
	APK      *apkMetadata                    `json:"apk,omitempty"`
	Java     *javaMetadata                   `json:"java,omitempty"`
	JVM      *pkg.JavaVMInstallationMetadata `json:"jvm,omitempty"`
	GoBinary *goMetadata                     `json:"gobin,omitempty"`
	Unread   bool                            `json:"x,omitempty"`
}

// unread stands for metadata that is there but that matching checks no field of.
type unread struct{}

type apkMetadata struct {
	Arch string `json:"arch,omitempty"`
}

type javaMetadata struct {
	Group    string `json:"g,omitempty"`
	Artifact string `json:"a,omitempty"`
	Manifest string `json:"m,omitempty"`
}

// goMetadata has the symbols, which grype's own JSON leaves out.
type goMetadata struct {
	MainModule string              `json:"main,omitempty"`
	Symbols    map[string][]string `json:"sym,omitempty"`
}

func newMetadata(value any) (*metadata, error) {
	switch m := value.(type) {
	case nil:
		return nil, nil
	case pkg.RpmMetadata:
		return &metadata{RPM: &m}, nil
	case pkg.ApkMetadata:
		return &metadata{APK: &apkMetadata{Arch: m.Arch}}, nil
	case pkg.JavaMetadata:
		return &metadata{Java: &javaMetadata{Group: m.PomGroupID, Artifact: m.PomArtifactID, Manifest: m.ManifestName}}, nil
	case pkg.JavaVMInstallationMetadata:
		return &metadata{JVM: &m}, nil
	case pkg.GolangBinMetadata:
		return &metadata{GoBinary: &goMetadata{MainModule: m.MainModule, Symbols: sortedSymbols(m.Symbols)}}, nil
	case pkg.GolangModMetadata, pkg.GolangSourceMetadata, *pkg.JavaMetadata:
		// Matchers expect JavaMetadata by value: they never read the pointer that grype
		// sets for Java packages without an archive.
		return &metadata{Unread: true}, nil
	default:
		return nil, fmt.Errorf("unknown metadata %T", value)
	}
}

// pkg is the inverse of newMetadata.
func (m *metadata) pkg() any {
	switch {
	case m == nil:
		return nil
	case m.RPM != nil:
		return *m.RPM
	case m.APK != nil:
		return pkg.ApkMetadata{Arch: m.APK.Arch}
	case m.Java != nil:
		return pkg.JavaMetadata{PomGroupID: m.Java.Group, PomArtifactID: m.Java.Artifact, ManifestName: m.Java.Manifest}
	case m.JVM != nil:
		return *m.JVM
	case m.GoBinary != nil:
		return pkg.GolangBinMetadata{MainModule: m.GoBinary.MainModule, Symbols: m.GoBinary.Symbols}
	default:
		return unread{}
	}
}

// sortedSymbols puts a binary's symbols in one order.
func sortedSymbols(symbols map[string][]string) map[string][]string {
	out := maps.Clone(symbols)
	for path, names := range out {
		out[path] = slices.Sorted(slices.Values(names))
	}
	return out
}
