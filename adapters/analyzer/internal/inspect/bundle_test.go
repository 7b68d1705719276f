package inspect

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	pattern := []byte("pattern")
	fill := func(n int) string { return string(bytes.Repeat([]byte("p"), n)) }
	for _, test := range []struct {
		name, content string
		want          bool
	}{
		{"nothing", "", false},
		{"less than the pattern", "pat", false},
		{"the pattern alone", "pattern", true},
		{"at the start", "pattern" + fill(100), true},
		{"at the end", fill(100) + "pattern", true},
		{"ends with a buffer", fill(16-7) + "pattern" + fill(40), true},
		{"begins with a buffer", fill(16) + "pattern", true},
		{"over the edge of a buffer", fill(13) + "pattern" + fill(40), true},
		{"over a later edge", fill(16+10+6) + "pattern", true},
		{"cut off", fill(40) + "patter", false},
		{"none", fill(200), false},
	} {
		for form, content := range map[string]io.Reader{
			"whole": bytes.NewReader([]byte(test.content)), "byte by byte": iotest.OneByteReader(bytes.NewReader([]byte(test.content))),
		} {
			got, err := holds(content, pattern, make([]byte, 16))
			if err != nil || got != test.want {
				t.Errorf("%s, %s: %v, %v, want %v", test.name, form, got, err, test.want)
			}
		}
	}
	broken := errors.New("broken disk")
	if _, err := holds(io.MultiReader(bytes.NewReader(make([]byte, 40)), iotest.ErrReader(broken)), pattern, make([]byte, 16)); !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
}
