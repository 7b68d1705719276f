package matcher

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/distro"
	"github.com/anchore/grype/grype/match"
	grypematcher "github.com/anchore/grype/grype/matcher"
	"github.com/anchore/grype/grype/matcher/dpkg"
	"github.com/anchore/grype/grype/matcher/rpm"
	"github.com/anchore/grype/grype/matcher/stock"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/grype/grype/version"
	syft "github.com/anchore/syft/syft/pkg"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// matcherConfig is the default of grype's command line; the library's zero value
// is another one.
var matcherConfig = grypematcher.Config{
	Stock: stock.MatcherConfig{UseCPEs: true},
	Dpkg:  dpkg.MatcherConfig{MissingEpochStrategy: version.MissingEpochStrategyZero},
	Rpm:   rpm.MatcherConfig{MissingEpochStrategy: version.MissingEpochStrategyAuto},
}

// kernelHeaderRules are what the command line always ignores: vulnerabilities of
// the kernel matched to packages that only hold its headers.
var kernelHeaderRules = []match.IgnoreRule{
	indirectly(syft.RpmPkg, "kernel-headers", "kernel"),
	indirectly(syft.DebPkg, "linux(-.*)?-headers-.*", "linux.*"),
	indirectly(syft.DebPkg, "linux-libc-dev", "linux"),
	indirectly(syft.DebPkg, "linux-kbuild-.*", "linux.*"),
}

func indirectly(kind syft.Type, name, upstream string) match.IgnoreRule {
	return match.IgnoreRule{
		Package:   match.IgnoreRulePackage{Type: string(kind), Name: name, UpstreamName: upstream},
		MatchType: match.ExactIndirectMatch,
	}
}

// providerConfig reads an SBOM as the command line does.
func providerConfig() pkg.ProviderConfig {
	return pkg.ProviderConfig{SynthesisConfig: pkg.SynthesisConfig{
		Distro: pkg.DistroConfig{FixChannels: distro.DefaultFixChannels()},
	}}
}

// documentVersion has to be raised when Groups or Match give other results with
// the same grype.
const documentVersion = 1

// matcher identifies grype, its settings and our use of it.
func matcher() vuln.Matcher {
	settings, err := json.Marshal(struct {
		Matchers grypematcher.Config
		Ignore   []match.IgnoreRule
		Document int
	}{matcherConfig, kernelHeaderRules, documentVersion})
	if err != nil {
		panic(fmt.Sprintf("matcher settings are no longer plain data: %v", err))
	}
	sum := sha256.Sum256(settings)
	return vuln.Matcher(fmt.Sprintf("grype %s db%d %s", grypeVersion, v6.ModelVersion, hex.EncodeToString(sum[:6])))
}

// grypeVersion is that of the module; a test compares. The build information would
// say it too, but not in every kind of build.
const grypeVersion = "v0.120.0"

// byName are the package types with a matcher of their own, which looks them up by
// name alone. The matchers of Alpine and of all other types look up CPEs too.
var byName = sync.OnceValue(func() map[syft.Type]bool {
	types := map[syft.Type]bool{}
	for _, m := range grypematcher.NewDefaultMatchers(matcherConfig) {
		for _, kind := range m.PackageTypes() {
			types[kind] = m.Type() != match.ApkMatcher
		}
	}
	return types
})

// usesProducts reports whether packages of a type are also looked up by CPE.
func usesProducts(kind syft.Type) bool { return !byName()[kind] }
