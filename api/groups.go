package api

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// group is a subject of operations, by which the document and its pages list them.
type group struct {
	name string
	// begins are the first parts of the addresses of its operations.
	begins []string
}

// groups are all of them. The last one has what no other has.
var groups = []group{
	{"Tags", []string{"tags", "tag", "affected", "evaluations", "rescans", "silence"}},
	{"Subscriptions", []string{"subscriptions", "repositories", "sources"}},
	{"Notifications", []string{"notifications", "notifications.atom", "deliveries", "redeliveries", "endpoints"}},
	{"Policies", []string{"policies", "policy", "acceptances"}},
	{"Vulnerability data", []string{"feed"}},
	{"Tokens and audit trail", []string{"token", "tokens", "audit"}},
	{"Installation", nil},
}

// groupOf names the group of an address below the prefix.
func groupOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, each := range groups {
		if slices.Contains(each.begins, first) {
			return each.name
		}
	}
	return groups[len(groups)-1].name
}

func tagsOfDocument() (tags []*huma.Tag) {
	for _, each := range groups {
		tags = append(tags, &huma.Tag{Name: each.name})
	}
	return tags
}
