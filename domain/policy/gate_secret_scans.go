package policy

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var gateSecretScans = Gate{
	Name:        "secret_scans",
	Description: "Checks the secrets that the configured secret search found in the image's files.",
	Triggers: []Trigger{{Name: "content_regex_checks", check: secretContent,
		Description: "Fires for each file in which an expression of the secret search was found, or once if none was.",
		Parameters: []Parameter{
			{Name: "content_regex_name", Type: Text, Example: "AWS_ACCESS_KEY", hint: hintPattern,
				Description: "Text that holds the names of expressions, as in AWS_ACCESS_KEY, AWS_SECRET_KEY, PRIV_KEY, DOCKER_AUTH and API_KEY, or an expression itself. It is not a pattern: an expression counts if its name is anywhere in the text. All if empty or not given."},
			{Name: "filename_regex", Type: Pattern, Example: "/etc/.*",
				Description: "Regular expression that matches from the start of the absolute path. All files if not given."},
			{Name: "match_type", Type: Enum, Values: []string{"found", "notfound"}, Default: "found", Example: "found",
				Description: "Whether finding a secret fires, or finding none."},
		}}},
}

func secretContent(c *check) error {
	hits, err := secretHits(c)
	if err != nil {
		return err
	}
	if c.value("match_type") == "notfound" {
		fireNoSecret(c, hits)
		return nil
	}
	for _, hit := range hits {
		c.fire(fmt.Sprintf("Secret content search analyzer found regexp match in container: file=%s regexp=%s", hit.Path, hit.Expression))
	}
	return nil
}

func fireNoSecret(c *check, hits []sbom.Hit) {
	if len(hits) > 0 {
		return
	}
	file, name := cmp.Or(c.value("filename_regex"), "*"), cmp.Or(c.value("content_regex_name"), "all")
	c.fire(fmt.Sprintf("Secret content search analyzer did not find regexp match in container: filename_regex=%s content_regex_name=%s", file, name))
}

func secretHits(c *check) ([]sbom.Hit, error) {
	file, err := c.pattern(c.value("filename_regex")) // an empty one matches every path
	if err != nil {
		return nil, err
	}
	name := c.value("content_regex_name")
	var hits []sbom.Hit
	for hit := range each(c.memo.timeLimit, c.input.Inventory.SecretHits) {
		if !c.spend(len(name)) || !namesSearch(name, hit.Expression) {
			continue
		}
		matched, err := file.matchStart(hit.Path)
		if err != nil {
			return nil, err
		}
		if matched {
			hits = append(hits, hit)
		}
	}
	return hits, nil
}

// namesSearch reports whether the parameter names a configured expression: whether
// its name, or the expression, is anywhere in it.
func namesSearch(parameter, configured string) bool {
	name, regex := splitSearch(configured)
	return parameter == "" || strings.Contains(parameter, regex) || name != "" && strings.Contains(parameter, name)
}

// hintPattern warns of what looks like a pattern where names are compared.
func hintPattern(value string) string {
	if strings.Contains(value, ".*") || strings.Contains(value, ".+") {
		return fmt.Sprintf("%q is compared, not matched as a pattern: write a configured name, or a configured expression in full", value)
	}
	return ""
}

// splitSearch splits a configured expression, NAME=regular expression; one
// without a name is all expression.
func splitSearch(configured string) (name, regex string) {
	name, regex, named := strings.Cut(configured, "=")
	if !named {
		return "", configured
	}
	return name, regex
}
