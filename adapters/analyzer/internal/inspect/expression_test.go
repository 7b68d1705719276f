package inspect

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

func TestExpressionLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, expression, content string
		want                      []int
	}{
		{"from the start of a line", "X=key", "key\nno key\nkey too", []int{0, 2}},
		{"no name", "key.*", "a\nkey", []int{1}},
		{"only the first equals sign ends the name", "X=a=b", "a=b\nb", []int{0}},
		{"last line without an end", "X=.*end$", "the end\nend", []int{0, 1}},
		{"dot stops at the line", "X=a.*z", "a\nz", nil},
		{"case", "X=(?i)Secret", "SECRET\nsecret\nSeCrEt", []int{0, 1, 2}},
		{"look-behind", "X=.*(?<!A)B", "AB\nCB\nAAB", []int{1}},
		{"look-ahead", "X=a(?!b)", "ab\nac", []int{1}},
		{"back reference", `X=(.)\1`, "ab\naa", []int{1}},
		{"bytes that are no text", "X=a.b", "a\xffb", []int{0}},
		{"bytes under the backtracking engine", `X=(a).(?<=[\x80-\xff])b`, "a\xffb\naxb", []int{0}},
		{"alternatives have no common text", "X=.*(cat|dog)", "a cat\na cow\na dog", []int{0, 2}},
		{"carriage returns stay", "X=a\r", "a\r\na\n", []int{0}},
		{"empty file", "X=.*", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			compiled, err := compile(test.expression)
			if err != nil {
				t.Fatal(err)
			}
			content := []byte(test.content)
			got, err := compiled.lines(content, bytes.ToLower(content))
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("lines = %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// What the engines decide together equals what the backtracking one decides alone.
func TestPrefiltersLoseNothing(t *testing.T) {
	t.Parallel()
	lines := []string{
		"aws_access_key_id=AKIAIOSFODNN7EXAMPLE", "AWS_ACCESS_KEY_ID = AKIAIOSFODNN7EXAMPLEX", "aws_access_key_id AKIA", "",
		"  aws_secret_access_key == wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY;", "x-api-key= 0123456789ABCDEFGHIJ", "API_KEY=abc",
		"api_key = ABCDEFGHIJABCDEFGHIJ rest", "api_key=" + strings.Repeat("A", 61), "-----BEGIN PRIVATE KEY-----",
	}
	for _, text := range []string{
		`(?i).*aws_access_key_id( *=+ *).*(?<![A-Z0-9])[A-Z0-9]{20}(?![A-Z0-9]).*`,
		`(?i).*aws_secret_access_key( *=+ *).*(?<![A-Za-z0-9/+=])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=]).*`,
		`(?i).*api(-|_)key( *=+ *).*(?<![A-Z0-9])[A-Z0-9]{20,60}(?![A-Z0-9]).*`,
		`.*(?<=[\](]x)(?!\)[)])-`,
	} {
		compiled, err := compile("NAME=" + text)
		if err != nil {
			t.Fatal(err)
		}
		if compiled.exact == nil || compiled.linear == nil {
			t.Errorf("%s: want both engines", text)
		}
		reference := regexp2.MustCompile("^(?:"+text+")", regexp2.None)
		for _, line := range lines {
			want, err := reference.MatchString(line)
			if err != nil {
				t.Fatal(err)
			}
			got, err := compiled.lines([]byte(line), bytes.ToLower([]byte(line)))
			if err != nil || (len(got) > 0) != want {
				t.Errorf("%s on %q = %v, %v; want %t", text, line, got, err, want)
			}
		}
	}
}

func TestRequiredLiteral(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"(?i).*AWS_access( *=+ *)": "aws_access", "a|b": "", "(abc)?d": "d", "x(long)+": "long", "[ab]c": "c", "ünder": "nder", "": "",
	} {
		if got := string(requiredLiteral(pattern)); got != want {
			t.Errorf("literal of %q = %q, want %q", pattern, got, want)
		}
	}
}

func TestEndlessExpressionIsStopped(t *testing.T) {
	t.Parallel()
	compiled, err := compile(`X=(?<!z)(a+)+\1b`)
	if err != nil {
		t.Fatal(err)
	}
	content := []byte(strings.Repeat("a", 5000) + "c")
	if _, err := compiled.lines(content, content); !errors.Is(err, errkind.Limit) {
		t.Errorf("error = %v, want errkind.Limit", err)
	}
}
