package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// noon is when the tests evaluate.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// parts is a bundle's document in pieces; a test sets those it is about.
type parts struct {
	policies, whitelists, mappings, whitelisted, blacklisted string
}

func (p parts) document() string {
	if p.policies == "" {
		p.policies = policyOf("p", alwaysRule("STOP"))
	}
	if p.mappings == "" {
		p.mappings = mappingOf("*", "*", "tag", "*", `"p"`, "")
	}
	return fmt.Sprintf(`{"id": "b", "version": "1_0", "policies": [%s], "whitelists": [%s], "mappings": [%s],
		"whitelisted_images": [%s], "blacklisted_images": [%s]}`, p.policies, p.whitelists, p.mappings, p.whitelisted, p.blacklisted)
}

func policyOf(id string, rules ...string) string {
	return fmt.Sprintf(`{"id": %q, "version": "1_0", "rules": [%s]}`, id, strings.Join(rules, ", "))
}

func whitelistOf(id string, items ...string) string {
	return fmt.Sprintf(`{"id": %q, "version": "1_0", "name": "name of %s", "items": [%s]}`, id, id, strings.Join(items, ", "))
}

func mappingOf(registry, repository, kind, value, policies, whitelists string) string {
	return fmt.Sprintf(`{"id": "m", "name": "mapping", "registry": %q, "repository": %q, "image": {"type": %q, "value": %q},
		"policy_ids": [%s], "whitelist_ids": [%s]}`, registry, repository, kind, value, policies, whitelists)
}

func alwaysRule(action string) string {
	return fmt.Sprintf(`{"id": "r", "gate": "always", "trigger": "always", "action": %q, "params": []}`, action)
}

func ruleOf(id, gate, trigger, action string, nameValues ...string) string {
	var params []string
	for i := 0; i+1 < len(nameValues); i += 2 {
		params = append(params, fmt.Sprintf(`{"name": %q, "value": %q}`, nameValues[i], nameValues[i+1]))
	}
	return fmt.Sprintf(`{"id": %q, "gate": %q, "trigger": %q, "action": %q, "params": [%s]}`, id, gate, trigger, action, strings.Join(params, ", "))
}

func imageOf(registry, repository, kind, value string) string {
	return fmt.Sprintf(`{"name": "entry", "registry": %q, "repository": %q, "image": {"type": %q, "value": %q}}`, registry, repository, kind, value)
}

// parse reads a bundle that must have no errors.
func parse(t testing.TB, document string) *Bundle {
	t.Helper()
	b, problems := Parse([]byte(document))
	if !Valid(problems) {
		t.Fatalf("the bundle has errors: %v", problems)
	}
	return b
}

// evaluate evaluates without a limit other than its own.
func evaluate(t testing.TB, b *Bundle, s *Input, now time.Time) Evaluation {
	t.Helper()
	e, err := Evaluate(t.Context(), b, s, now)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// noTimeLimit is one that tests do not spend.
func noTimeLimit() *timeLimit { return newTimeLimit(context.Background(), evaluationTime) }

// inputAt is an analyzed and matched image under a reference.
func inputAt(registry, path, tag string) *Input {
	return &Input{
		Reference: image.Reference{Repository: image.Repository{Registry: registry, Path: path}, Tag: tag},
		Inventory: &sbom.Inventory{Digest: "sha256:123abc", ImageID: "0"},
		Matched:   true,
	}
}

// input is an image like any other.
func input() *Input { return inputAt("docker.io", "nginx", "latest") }
