package policy

import "strings"

// Anchore's words for what newer databases call otherwise.
var (
	distroGroups = map[string]string{
		"redhat":      "rhel",
		"oraclelinux": "ol",
		"amazonlinux": "amzn",
	}
	languageGroups = map[string]string{
		"javascript": "npm",
		"ruby":       "gem",
		"php":        "composer",
		"dotnet":     "nuget",
	}
)

// FeedGroup is Anchore's feed group for a namespace of grype: debian:12 for
// debian:distro:debian:12, github:java for github:language:java and nvd for
// nvd:cpe. Webhook bodies contain it. Other texts are returned as they are.
func FeedGroup(namespace string) string {
	parts := strings.SplitN(namespace, ":", 4)
	switch {
	case len(parts) == 2 && parts[1] == "cpe":
		return parts[0]
	case len(parts) == 3 && parts[1] == "language":
		return parts[0] + ":" + groupName(languageGroups, parts[2])
	case len(parts) == 4 && parts[1] == "distro" && parts[0] == "msrc":
		return "msrc:" + parts[3]
	case len(parts) == 4 && parts[1] == "distro":
		return groupName(distroGroups, parts[2]) + ":" + parts[3]
	}
	return namespace
}

func groupName(names map[string]string, name string) string {
	if known, found := names[name]; found {
		return known
	}
	return name
}
