package analyzer

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
)

const syftModule = "github.com/anchore/syft"

// versionOf names the version of syft and a hash over what decides the result.
func versionOf(content Content) string {
	text, _ := json.Marshal(content) // strings and numbers cannot fail
	decisive := sha256.Sum256(fmt.Appendf(text, "revision %d", inspect.ConfigRevision))
	return fmt.Sprintf("syft %s %x", syftVersion(), decisive[:6])
}

// syftVersion is the version of the library in this program; unknown in a build
// that does not record it.
func syftVersion() string {
	version := ""
	if info, found := debug.ReadBuildInfo(); found {
		for _, module := range info.Deps {
			if module.Path == syftModule {
				version = module.Version
			}
		}
	}
	return cmp.Or(version, "unknown")
}
