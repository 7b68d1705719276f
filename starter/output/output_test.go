package output

import (
	"strings"
	"testing"
)

func TestTableColumns(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", broadest+1)
	for _, test := range []struct {
		name string
		rows [][]string
		want string
	}{
		{"aligned", [][]string{{"a", "1"}, {"bcd", "2"}}, "NAME  NUMBER\na     1\nbcd   2\n"},
		{"letters, not bytes", [][]string{{"äöü", "1"}, {"abcdef", "2"}}, "NAME    NUMBER\näöü     1\nabcdef  2\n"},
		{"nothing at the end", [][]string{{"a", ""}}, "NAME  NUMBER\na\n"},
		{"one cell only", [][]string{{"a"}, {"b", "2"}}, "NAME  NUMBER\na\nb     2\n"},
		{"a long name moves its own row only", [][]string{{long, "1"}, {"b", "2"}}, "NAME  NUMBER\n" + long + "  1\nb     2\n"},
		{"one line a row", [][]string{{"a\nb", "1"}}, "NAME  NUMBER\na b   1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			listed := NewTable("NAME", "NUMBER")
			for _, cells := range test.rows {
				listed.Row(Ordinary, cells...)
			}
			listed.Write(&out)
			if out.String() != test.want {
				t.Errorf("written\n%swant\n%s", out.String(), test.want)
			}
		})
	}
}
