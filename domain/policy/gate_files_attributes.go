package policy

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

const (
	// permissions are the bits of a mode that rules compare.
	permissions = 0o7777
	// noChecksum replaces, in messages, the checksum of anything but a regular file.
	noChecksum = "DIRECTORY_OR_OTHER"
)

func fileAttributes(c *check) error {
	message := "filename=" + c.value("filename")
	file, found := fileAt(c.input.Inventory, c.value("filename"))
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

func describeMode(c *check, file sbom.File) (text string, holds bool, err error) {
	given, operator := c.value("mode"), c.value("mode_op")
	if given == "" {
		return "", true, nil
	}
	wanted, err := readOctal(given)
	if err != nil {
		return "", false, err
	}
	actual := big.NewInt(int64(file.Mode & permissions))
	return fmt.Sprintf(" and mode=%s op=%s specified_mode=%s", pythonOctal(actual), operator, pythonOctal(wanted)),
		(actual.Cmp(wanted) == 0) == (operator == "equals"), nil
}

// readOctal reads a number of any size as int(text, 8) of Python does: with
// blanks around it, a sign, the prefix 0o and single underscores.
func readOctal(text string) (*big.Int, error) {
	digits := strings.TrimSpace(text)
	sign := digits[:len(digits)-len(strings.TrimLeft(digits, "+-"))]
	digits = strings.NewReplacer("0o", "", "0O", "", "_", "").Replace(digits[len(sign):])
	number, valid := new(big.Int).SetString(sign+digits, 8)
	if !valid || !octalText.MatchString(text) {
		return nil, fmt.Errorf("mode %q is not an octal number: %w", text, errkind.Invalid)
	}
	return number, nil
}

// hintMode warns of bits that no file has here. They are not dropped: a rule that
// never fires would begin to.
func hintMode(value string) string {
	number, err := readOctal(value)
	if err != nil || number.Sign() >= 0 && number.Cmp(big.NewInt(permissions)) <= 0 {
		return ""
	}
	return fmt.Sprintf("only permissions up to 0o7777 are compared, without the type of the file, so %s differs from every file's", pythonOctal(number))
}
