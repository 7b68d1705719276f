package policy

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

var gateMetadata = Gate{
	Name:        "metadata",
	Description: "Checks facts about the image as a whole.",
	Triggers: []Trigger{{Name: "attribute", check: metadataAttribute,
		Description: "Fires once if the comparison of the attribute with the value holds.",
		Parameters: []Parameter{
			{Name: "attribute", Type: Enum, Values: []string{"size", "architecture", "os_type", "distro", "distro_version", "like_distro", "layer_count"}, Required: true, Example: "size",
				Description: "The attribute: size in bytes, architecture and operating system of the configuration, distribution, its version and what it is like, number of layers."},
			{Name: "check", Type: Enum, Values: []string{"=", "!=", ">", "<", ">=", "<=", "exists", "not_exists", "like", "not_like", "in", "not_in"}, Required: true, Example: ">",
				Description: "The comparison. Size and number of layers are compared as numbers, all others as texts: as a distro_version, 10 is less than 9."},
			{Name: "value", Type: Text, Required: true, Example: "1073741824", patternIf: comparesLike, valid: validMetadata,
				Description: "What to compare with: a size as in 1073741824 or 1gb, a number of layers, a regular expression that matches from the start for like and not_like, a comma-separated list for in and not_in. exists and not_exists take any, as in \"\", or 0 for size and layer_count; with an empty one no other check fires."},
		}}},
}

func metadataAttribute(c *check) error {
	name, operator := c.value("attribute"), c.value("check")
	actual, present := attribute(c.input.Inventory, name)
	wanted, err := metadataValue(name, c.value("value"))
	if err != nil {
		return err
	}
	holds, err := metadataHolds(c, name, actual, present, operator, wanted)
	if err != nil || !holds {
		return err
	}
	if !present {
		actual = "None"
	}
	c.fire(fmt.Sprintf("Attribute check for attribute: '%s' check: '%s' check_value: '%s' matched image value: '%s'", name, operator, wanted, actual))
	return nil
}

// attribute is the image's value as a text. Absent is what the configuration
// does not say; a distribution that is not known has a name for that.
func attribute(inventory *sbom.Inventory, name string) (value string, present bool) {
	distro, version := distroName(inventory.Distro)
	switch name {
	case "size":
		value = strconv.FormatInt(inventory.Size, 10)
	case "architecture":
		value = inventory.Architecture
	case "os_type":
		value = inventory.OS
	case "distro":
		value = distro
	case "distro_version":
		value = version
	case "like_distro":
		value = cmp.Or(strings.Join(inventory.Distro.Like, ","), distro)
	case "layer_count":
		value = strconv.Itoa(inventory.Layers)
	}
	return value, value != ""
}

// distroName is the name and version of the distribution, as messages contain them.
func distroName(d sbom.Distro) (name, version string) {
	return cmp.Or(d.ID, "Unknown"), cmp.Or(d.VersionID, "0")
}

func metadataHolds(c *check, name, actual string, present bool, operator, wanted string) (bool, error) {
	numeric := isNumeric(name)
	exists := present && !(numeric && actual == "0")
	switch {
	case operator == "exists":
		return exists, nil
	case operator == "not_exists":
		return !exists, nil
	case wanted == "":
		return false, nil
	case !present: // it differs from every text and has no place in their order
		return operator == "!=" || operator == "not_like" || operator == "not_in", nil
	case numeric && strings.ContainsAny(operator, "=<>"):
		return orderHolds(compareNumbers(actual, wanted), operator), nil
	}
	return textHolds(c, actual, operator, wanted)
}

func isNumeric(attribute string) bool { return attribute == "size" || attribute == "layer_count" }

func compareNumbers(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func metadataValue(attribute, value string) (string, error) {
	if !isNumeric(attribute) {
		return value, nil
	}
	digits, factor := strings.TrimSpace(value), uint64(1)
	if attribute == "size" {
		digits, factor = cutSizeUnit(value)
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || number > math.MaxInt64/factor {
		return "", fmt.Errorf("value %q of attribute %s is not a number%s: %w", value, attribute, sizeHint(attribute), errkind.Invalid)
	}
	return strconv.FormatUint(number*factor, 10), nil
}

func cutSizeUnit(value string) (digits string, factor uint64) {
	for power, unit := range []string{"kb", "mb", "gb", "tb"} {
		if digits, found := strings.CutSuffix(value, unit); found {
			return digits, 1 << (10 * (power + 1))
		}
	}
	return value, 1
}

func sizeHint(attribute string) string {
	if attribute == "size" {
		return " of bytes, or one with kb, mb, gb or tb"
	}
	return ""
}

func validMetadata(value string, all map[string]string) error {
	_, err := metadataValue(all["attribute"], value)
	return err
}
