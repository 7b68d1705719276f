package policy

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

const (
	// permissions are the bits of a mode that rules compare.
	permissions = 0o7777
	// noChecksum stands in messages for the checksum of what is no regular file.
	noChecksum = "DIRECTORY_OR_OTHER"
)

func fileAttributes(c *check) error {
	message := "filename=" + c.value("filename")
	file, found := fileAt(c.subject.Inventory, c.value("filename"))
	if !found {
		if !c.flag("skip_missing") {
			c.fire(message + " and skip_missing=False")
		}
		return nil
	}
	checksum, sameChecksum := describeChecksum(c, file)
	mode, sameMode, err := describeMode(c, file)
	if err != nil {
		return err
	}
	if attributes := checksum + mode; attributes != "" && sameChecksum && sameMode {
		c.fire(message + attributes)
	}
	return nil
}

// describeChecksum is the part of the message about the checksum, "" if none was
// given, and whether the condition on it holds.
func describeChecksum(c *check, file sbom.File) (text string, holds bool) {
	wanted, operator := c.value("checksum"), c.value("checksum_match")
	if wanted == "" {
		return "", true
	}
	actual := cmp.Or(file.SHA256, noChecksum)
	return fmt.Sprintf(" and checksum=%s op=%s specified_checksum=%s", actual, operator, wanted),
		(actual == wanted) == (operator == "equals")
}

// describeMode does the same about the permissions.
func describeMode(c *check, file sbom.File) (text string, holds bool, err error) {
	given, operator := c.value("mode"), c.value("mode_op")
	if given == "" {
		return "", true, nil
	}
	wanted, err := strconv.ParseUint(given, 8, 32)
	if err != nil {
		return "", false, fmt.Errorf("mode %q is not an octal number: %w", given, fault.Invalid)
	}
	wanted &= permissions
	actual := file.Mode & permissions
	return fmt.Sprintf(" and mode=%s op=%s specified_mode=%s", pythonOctal(actual), operator, pythonOctal(uint32(wanted))),
		(actual == uint32(wanted)) == (operator == "equals"), nil
}
