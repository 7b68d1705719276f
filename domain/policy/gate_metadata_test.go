package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	image := withImage(sbom.Inventory{
		OS: "linux", Architecture: "amd64", Size: 141455360, Layers: 10,
		Distro: sbom.Distro{ID: "ubuntu", VersionID: "10", Like: []string{"debian", "linux"}},
	})
	unknown := withImage(sbom.Inventory{})
	rule := func(attribute, check string, value ...string) []string {
		params := []string{"attribute", attribute, "check", check}
		for _, v := range value {
			params = append(params, "value", v)
		}
		return params
	}
	fires := func(attribute, check, value, actual string) []string {
		return []string{fmt.Sprintf("Attribute check for attribute: '%s' check: '%s' check_value: '%s' matched image value: '%s'", attribute, check, value, actual)}
	}
	testTrigger(t, "metadata", "attribute", []gateTest{
		{"size in units", rule("size", ">", "100mb"), image, fires("size", ">", "104857600", "141455360")},
		{"size in kb", rule("size", ">", "1kb"), image, fires("size", ">", "1024", "141455360")},
		{"size in gb", rule("size", "<", "1gb"), image, fires("size", "<", "1073741824", "141455360")},
		{"size in tb", rule("size", "<=", "1tb"), image, fires("size", "<=", "1099511627776", "141455360")},
		{"size in bytes", rule("size", "=", "141455360"), image, fires("size", "=", "141455360", "141455360")},
		{"size as a number", rule("size", "<", "0200000000"), image, fires("size", "<", "200000000", "141455360")},
		{"size too small", rule("size", ">=", "200mb"), image, nil},
		{"size exists", rule("size", "exists", "0"), image, fires("size", "exists", "0", "141455360")},
		{"no size", rule("size", "not_exists", "0"), unknown, fires("size", "not_exists", "0", "0")},
		{"size like", rule("size", "like", "141455360"), image, fires("size", "like", "141455360", "141455360")},
		{"layers as numbers", rule("layer_count", ">", "9"), image, fires("layer_count", ">", "9", "10")},
		{"layers", rule("layer_count", "!=", "10"), image, nil},
		{"architecture", rule("architecture", "!=", "arm64"), image, fires("architecture", "!=", "arm64", "amd64")},
		{"os", rule("os_type", "=", "linux"), image, fires("os_type", "=", "linux", "linux")},
		{"distribution in", rule("distro", "in", "debian, ubuntu"), image, fires("distro", "in", "debian, ubuntu", "ubuntu")},
		{"distribution not in", rule("distro", "not_in", "debian, ubuntu"), image, nil},
		{"distribution like", rule("distro", "like", "ubu"), image, fires("distro", "like", "ubu", "ubuntu")},
		{"distribution not like", rule("distro", "not_like", "bun"), image, fires("distro", "not_like", "bun", "ubuntu")},
		{"version as a text", rule("distro_version", "<", "9"), image, fires("distro_version", "<", "9", "10")},
		{"like", rule("like_distro", "=", "debian,linux"), image, fires("like_distro", "=", "debian,linux", "debian,linux")},
		{"like nothing else", rule("like_distro", "=", "Unknown"), unknown, fires("like_distro", "=", "Unknown", "Unknown")},
		{"unknown distribution", rule("distro", "=", "Unknown"), unknown, fires("distro", "=", "Unknown", "Unknown")},
		{"unknown version", rule("distro_version", "exists", ""), unknown, fires("distro_version", "exists", "", "0")},
		{"exists with an empty value", rule("architecture", "exists", ""), image, fires("architecture", "exists", "", "amd64")},
		{"absent does not exist", rule("architecture", "exists", ""), unknown, nil},
		{"absent", rule("architecture", "not_exists", ""), unknown, fires("architecture", "not_exists", "", "None")},
		{"absent differs", rule("architecture", "!=", "amd64"), unknown, fires("architecture", "!=", "amd64", "None")},
		{"absent is not in a list", rule("os_type", "not_in", "linux"), unknown, fires("os_type", "not_in", "linux", "None")},
		{"absent has no order", rule("os_type", "<", "linux"), unknown, nil},
		{"absent is like nothing", rule("os_type", "like", ".*"), unknown, nil},
		{"empty list", rule("architecture", "not_in", ""), image, nil},
		{"empty expression", rule("architecture", "like", ""), image, nil},
		{"empty value", rule("architecture", "!=", ""), image, nil},
	})
}

func TestMetadataRefusesValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, attribute, check, value string }{
		{"size with an unknown unit", "size", ">", "1xb"},
		{"size in upper case", "size", ">", "1GB"},
		{"size beyond counting", "size", ">", "9000000000tb"},
		{"layers that are no number", "layer_count", ">", "many"},
		{"expression", "distro", "like", "("},
		{"empty size", "size", "exists", ""},
		{"empty number of layers", "layer_count", "not_exists", ""},
		{"several sizes", "size", "in", "1,2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			problems := problemsOf(t, "metadata", "attribute", "attribute", test.attribute, "check", test.check, "value", test.value)
			if len(problems) != 1 {
				t.Errorf("problems %v, want one", problems)
			}
		})
	}
}

// TestMetadataNeedsAValue: also for the checks that do not look at it.
func TestMetadataNeedsAValue(t *testing.T) {
	t.Parallel()
	for _, check := range []string{"=", "like", "in", "exists", "not_exists"} {
		problems := problemsOf(t, "metadata", "attribute", "attribute", "distro", "check", check)
		if len(problems) != 1 || !strings.Contains(problems[0].Details, `parameter "value" of metadata.attribute is required`) {
			t.Errorf("%s: problems %v", check, problems)
		}
	}
}
