package policy

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestPackageType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		syft, want string
		os         bool
	}{
		{"deb", "dpkg", true},
		{"apk", "APKG", true},
		{"rpm", "rpm", true},
		{"msrc-kb", "kb", true},
		{"alpm", "alpm", true},
		{"java-archive", "java", false},
		{"jenkins-plugin", "java", false},
		{"npm", "npm", false},
		{"gem", "gem", false},
		{"python", "python", false},
		{"go-module", "go", false},
		{"rust-crate", "rust-crate", false},
	}
	for _, test := range tests {
		t.Run(test.syft, func(t *testing.T) {
			t.Parallel()
			if got := PackageType(test.syft); got != test.want {
				t.Errorf("type %s, want %s", got, test.want)
			}
			if got := IsOSPackage(test.syft); got != test.os {
				t.Errorf("of the distribution: %t, want %t", got, test.os)
			}
		})
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		pkg  sbom.Package
		want bool
	}{
		{"distribution package", sbom.Package{Type: "deb"}, true},
		{"distribution package that another one owns", sbom.Package{Type: "rpm", Owned: true}, true},
		{"language package", sbom.Package{Type: "python"}, true},
		{"language package of the distribution", sbom.Package{Type: "python", Owned: true}, false},
		{"type that Anchore did not know", sbom.Package{Type: "rust-crate"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := visible(&test.pkg); got != test.want {
				t.Errorf("visible %t, want %t", got, test.want)
			}
		})
	}
}
