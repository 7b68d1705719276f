package policy

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestSecretContent(t *testing.T) {
	t.Parallel()
	const key, docker = "PRIV_KEY=(?i)-+BEGIN(.*)PRIVATE KEY-+", `DOCKER_AUTH=(?i).*"auth": *".+"`
	image := withImage(sbom.Inventory{SecretHits: []sbom.Hit{
		{Path: "/etc/key", Expression: key}, {Path: "/root/config.json", Expression: docker}, {Path: "/root/key", Expression: key}, {Path: "/x", Expression: "a{1,2}"},
	}})
	found := func(path, expression string) string {
		return "Secret content search analyzer found regexp match in container: file=" + path + " regexp=" + expression
	}
	none := func(file, name string) []string {
		return []string{"Secret content search analyzer did not find regexp match in container: filename_regex=" + file + " content_regex_name=" + name}
	}
	testTrigger(t, "secret_scans", "content_regex_checks", []gateTest{
		{"all", nil, image, []string{found("/etc/key", key), found("/root/config.json", docker), found("/root/key", key), found("/x", "a{1,2}")}},
		{"by name", []string{"content_regex_name", "PRIV_KEY"}, image, []string{found("/etc/key", key), found("/root/key", key)}},
		{"by names", []string{"content_regex_name", "AWS_ACCESS_KEY, DOCKER_AUTH"}, image, []string{found("/root/config.json", docker)}},
		{"name within a text", []string{"content_regex_name", "MY_PRIV_KEY_X"}, image, []string{found("/etc/key", key), found("/root/key", key)}},
		{"pattern of a name", []string{"content_regex_name", "PRIV_.*"}, image, nil},
		{"by expression", []string{"content_regex_name", "(?i)-+BEGIN(.*)PRIVATE KEY-+"}, image, []string{found("/etc/key", key), found("/root/key", key)}},
		{"by expression with a comma", []string{"content_regex_name", "a{1,2}"}, image, []string{found("/x", "a{1,2}")}},
		{"by file", []string{"filename_regex", "/root/.*"}, image, []string{found("/root/config.json", docker), found("/root/key", key)}},
		{"by file from the start", []string{"filename_regex", "key"}, image, nil},
		{"by file and name", []string{"filename_regex", "/root/", "content_regex_name", "PRIV_KEY", "match_type", "found"}, image, []string{found("/root/key", key)}},
		{"none found", []string{"match_type", "notfound"}, input(), none("*", "all")},
		{"none of the name in the files", []string{"match_type", "notfound", "filename_regex", "/etc/.*", "content_regex_name", "DOCKER_AUTH"}, image, none("/etc/.*", "DOCKER_AUTH")},
		{"some found", []string{"match_type", "notfound"}, image, nil},
	})
}
