package plain_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// TestNothingButText: no character of Unicode does anything in what is shown.
func TestNothingButText(t *testing.T) {
	t.Parallel()
	step := rune(1)
	if testing.Short() { // nothing happens at once: a sample will do
		step = 31
	}
	for r := rune(0); r <= unicode.MaxRune; r += step {
		text := "a" + string(r) + "b"
		for name, made := range map[string]string{"Line": plain.Line(text), "Text": plain.Text(text), "Markdown": plain.Markdown(text), "Code": plain.Code(text)} {
			for _, left := range made {
				if !unicode.IsPrint(left) && (name != "Text" || left != '\n' && left != '\t') {
					t.Errorf("%s keeps %U of %U", name, left, r)
				}
			}
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, line, markdown string }{
		{"a name", "shop/api:1.0", "shop/api:1.0", `shop/api\:1\.0`},
		{"letters of all scripts", "Größe 大きさ", "Größe 大きさ", "Größe 大きさ"},
		{"a terminal's title", "a\u009d0;owned\u009cb", "a\uFFFD0;owned\uFFFDb", "a\uFFFD0;owned\uFFFDb"},
		{"an escape", "a\x1b[31mb", "a\uFFFD[31mb", "a\uFFFD\\[31mb"},
		{"reordering", "a\u202eb\u2066c\u200fd", "a\uFFFDb\uFFFDc\uFFFDd", "a\uFFFDb\uFFFDc\uFFFDd"},
		{"not UTF-8", "a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"lines", "a\nb\u2028c\u0085d", "a b c d", "a b c d"},
		{"an image", "![x](http://evil/p)", "![x](http://evil/p)", `\!\[x\]\(http\://evil/p\)`},
		{"HTML", "<img src=x>", "<img src=x>", `\<img src=x\>`},
		{"a heading and a list", "# a\n- b", "# a - b", `\# a \- b`},
		{"an address", "https://evil.example.com", "https://evil.example.com", `https\://evil\.example\.com`},
		{"a mail address", "a@evil.example.com", "a@evil.example.com", `a&#64;evil\.example\.com`},
	} {
		if got := plain.Line(test.text); got != test.line {
			t.Errorf("%s: line %q, want %q", test.name, got, test.line)
		}
		if got := plain.Markdown(test.text); got != test.markdown {
			t.Errorf("%s: Markdown %q, want %q", test.name, got, test.markdown)
		}
	}
	if got := plain.Code("a`](x)|b"); strings.Count(got, "`") != 2 || strings.Contains(got, "|") {
		t.Errorf("code %q", got)
	}
	if got := plain.Text("a\n\tb\u009b"); got != "a\n\tb\uFFFD" {
		t.Errorf("text %q", got)
	}
}
