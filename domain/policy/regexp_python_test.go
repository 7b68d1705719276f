package policy

import (
	"encoding/json"
	"os"
	"testing"
)

// TestAgreesWithPython compares with what Python said of random expressions and
// texts; see testdata/python-regexp.py.
func TestAgreesWithPython(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/python-regexp.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers [][3]any
	if err := json.Unmarshal(content, &answers); err != nil {
		t.Fatal(err)
	}
	for _, answer := range answers {
		pattern, text := answer[0].(string), answer[1].(string)
		want, valid := answer[2].(bool)
		e, err := newExpression(pattern)
		if !valid {
			continue // an expression that fails there may be accepted here
		}
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		if got, err := e.matchStart(text, noTimeLimit()); got != want || err != nil {
			t.Errorf("%q on %q: %v, %v; want %v", pattern, text, got, err, want)
		}
		general, err := e.general()
		if err != nil {
			t.Errorf("%q for all texts: %v", pattern, err)
			continue
		}
		if got, err := general.match(text, noTimeLimit()); got != want || err != nil {
			t.Errorf("%q on %q, as for all texts: %v, %v; want %v", pattern, text, got, err, want)
		}
	}
}
