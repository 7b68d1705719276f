package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const Obeyed = "a\u009b31mb\u009d0;owned\u009c\u202etxt.exe\u2066\u200f\x1b]0;x\a\x7f\u2028\U000e0041z"

// TestShield: no character of a stranger does anything on a terminal, however it
// is cut into writes, and JSON stays what it is.
func TestShield(t *testing.T) {
	t.Parallel()
	for cut := range len(Obeyed) {
		var out strings.Builder
		s := &Shield{Writer: &out}
		for _, part := range []string{Obeyed[:cut], Obeyed[cut:]} {
			if n, err := s.Write([]byte(part)); err != nil || n != len(part) {
				t.Fatal(n, err)
			}
		}
		for _, r := range out.String() {
			if !unicode.IsPrint(r) || r == utf8.RuneError {
				t.Errorf("cut at %d: %U gets through: %q", cut, r, out.String())
			}
		}
	}
	var out strings.Builder
	if err := WriteJSON(&Shield{Writer: &out}, map[string]string{"a": Obeyed}); err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back["a"] != Obeyed {
		t.Errorf("%v: %q", err, back["a"])
	}
	if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("JSON: %q", out.String())
	}
}

// Colours are for terminals.
func TestPaint(t *testing.T) {
	t.Parallel()
	if got := Paint(&bytes.Buffer{}, Bad, "text"); got != "text" {
		t.Errorf("got %q", got)
	}
}
