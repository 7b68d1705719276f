package store

import (
	"cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// publishers name the provider of vulnerability data about a distribution, by
// the ID of its os-release, where the provider is not called the same. Clones
// use the data of what they are made from.
var publishers = map[string]string{
	"almalinux":    "rhel",
	"amzn":         "amazon",
	"azurelinux":   "mariner",
	"centos":       "rhel",
	"gentoo":       "rhel",
	"ol":           "oracle",
	"postmarketos": "alpine",
	"raspbian":     "debian",
	"rocky":        "rhel",
	"scientific":   "rhel",
}

// namespaces are those of the generation that hold records about the
// distribution, in grype's form; none if nobody publishes data about it.
func namespaces(distro sbom.Distro, generation vuln.Description) []string {
	provider := cmp.Or(publishers[distro.ID], distro.ID)
	if _, held := generation.Provider(provider); !held || distro.ID == "" {
		return nil
	}
	return []string{provider + ":distro:" + distro.ID + ":" + distro.VersionID}
}
