package packages

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"github.com/tagwatch/tagwatch/domain/policy"
)

var gemDialect = dialect{
	accept:      "application/json",
	publishable: isGemName,
	path:        func(name string) string { return "api/v1/versions/" + name + ".json" },
	read:        readGem,
}

// gemName matches the names that RubyGems accepts; none needs to be escaped.
var gemName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

const maxGemName = 255 // bytes

func isGemName(name string) bool { return len(name) <= maxGemName && gemName.MatchString(name) }

// readGem reads the versions, in the order of the answer. A version that was
// built for several platforms is listed for each.
func readGem(body io.Reader) (policy.Published, error) {
	decoder := json.NewDecoder(body)
	if err := delimiter(decoder, '['); err != nil {
		return policy.Published{}, err
	}
	gem := gemVersions{seen: map[string]bool{}}
	for decoder.More() {
		var version struct {
			Number     string `json:"number"`
			Prerelease bool   `json:"prerelease"`
		}
		if err := decoder.Decode(&version); err != nil {
			return policy.Published{}, err
		}
		if version.Number == "" {
			return policy.Published{}, fmt.Errorf("version %d has no number", len(gem.published.Versions)+1)
		}
		gem.add(version.Number, version.Prerelease)
	}
	return gem.published, delimiter(decoder, ']')
}

// gemVersions are the versions of a gem so far. The latest is the one that the
// command gem installs: the highest that is not a prerelease, or the highest if all
// are prereleases.
type gemVersions struct {
	published policy.Published
	seen      map[string]bool
	early     bool // the latest is a prerelease
}

func (g *gemVersions) add(number string, prerelease bool) {
	if g.seen[number] {
		return
	}
	g.seen[number] = true
	newer := g.published.Latest == "" || compareGemVersions(number, g.published.Latest) > 0
	if g.early != prerelease {
		newer = g.early || len(g.published.Versions) == 0
	}
	if newer {
		g.published.Latest, g.early = number, prerelease
	}
	g.published.Versions = append(g.published.Versions, number)
}
