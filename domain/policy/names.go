package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// NameInUse is a place in a bundle that names a vulnerability otherwise than the
// data do. It takes effect all the same: any of its names will do.
type NameInUse struct {
	// Path leads to the place, as in "whitelists[0].items[2]".
	Path string `json:"path"`
	Name string `json:"name"` // a trigger id, or the id of a vulnerability
	// InUse are the names that the data use, sorted.
	InUse []string `json:"in_use"`
}

func (n NameInUse) String() string {
	return fmt.Sprintf("%s: the data in use list %s as %s", n.Path, n.Name, strings.Join(n.InUse, ", "))
}

// WhitelistNames are the whitelist items of a report that name vulnerabilities
// otherwise than the data.
func WhitelistNames(b *Bundle, reports []ItemReport) []NameInUse {
	list := map[string]int{}
	for i, w := range b.Whitelists {
		list[w.ID] = i
	}
	var names []NameInUse
	for _, r := range reports {
		if len(r.Spellings) > 0 {
			names = append(names, NameInUse{fmt.Sprintf("whitelists[%d].items[%d]", list[r.WhitelistID], r.Position), r.Item.TriggerID, r.Spellings})
		}
	}
	return names
}

// BlacklistNames are the vulnerabilities of blacklist rules that the matches have
// by another name.
func BlacklistNames(b *Bundle, matches []vuln.Match) []NameInUse {
	inUse := map[string]map[string]bool{} // by lower-case name
	for _, m := range matches {
		for _, name := range m.Refs() {
			if name == strings.ToLower(m.ID) {
				continue
			}
			if inUse[name] == nil {
				inUse[name] = map[string]bool{}
			}
			inUse[name][m.ID] = true
		}
	}
	var names []NameInUse
	for _, p := range b.Policies {
		for _, r := range p.Rules {
			if r.Gate != "vulnerabilities" || r.Trigger != "blacklist" {
				continue
			}
			for _, id := range elements(r.Params["vulnerability_ids"]) {
				if found := inUse[strings.ToLower(id)]; found != nil {
					names = append(names, NameInUse{r.path, id, slices.Sorted(maps.Keys(found))})
				}
			}
		}
	}
	slices.SortFunc(names, func(a, b NameInUse) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Name, b.Name))
	})
	return names
}
