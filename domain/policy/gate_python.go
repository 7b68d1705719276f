package policy

import (
	"math/big"
	"strconv"
	"strings"
)

// Some messages contain values as Python prints them. The trigger ids, and so the
// whitelists, depend on every character.

// pythonList is a list of texts, as in ['CVE-1', 'GHSA-2'].
func pythonList(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = pythonText(value)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// pythonText prefers single quotes, unless only double ones save escaping.
func pythonText(value string) string {
	value = strings.ReplaceAll(value, `\`, `\\`)
	if strings.Contains(value, "'") && !strings.Contains(value, `"`) {
		return `"` + value + `"`
	}
	return "'" + strings.ReplaceAll(value, "'", `\'`) + "'"
}

// pythonFloat has at least one decimal, as in 7.0.
func pythonFloat(value float64) string {
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// pythonOctal is a number as in 0o104755.
func pythonOctal(number *big.Int) string {
	sign := ""
	if number.Sign() < 0 {
		sign = "-"
	}
	return sign + "0o" + new(big.Int).Abs(number).Text(8)
}
