package output

import (
	"strings"
	"testing"
)

func TestTableColumns(t *testing.T) {
	t.Parallel()
	long, digest := strings.Repeat("x", broadest+1), "sha256:"+strings.Repeat("0", 64)
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
		{"digests", [][]string{{digest, "1"}, {"b", "2"}}, "NAME" + strings.Repeat(" ", len(digest)-4) + "  NUMBER\n" + digest + "  1\nb" + strings.Repeat(" ", len(digest)-1) + "  2\n"},
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

// TestTableFits: on a terminal of that width no line is longer, what is most
// important stays, and a reference keeps its end.
func TestTableFits(t *testing.T) {
	t.Parallel()
	const tag = "registry.example.com/platform/team/frontend-service:2026.11.30"
	for _, test := range []struct {
		name  string
		width int
		want  string
	}{
		{"all", 0, "TAG" + strings.Repeat(" ", len(tag)-1) + "POLICY  CHECKED  PROBLEM\n" + tag + "  fail    2h ago   resolve: the registry refuses the credentials\n"},
		{"as wide as needed", 126, "TAG" + strings.Repeat(" ", len(tag)-1) + "POLICY  CHECKED  PROBLEM\n" + tag + "  fail    2h ago   resolve: the registry refuses the credentials\n"},
		{"cut", 90, "TAG                                   POLICY  CHECKED  PROBLEM\nregistry…frontend-service:2026.11.30  fail    2h ago   resolve: the registry refuses the …\n"},
		{"without a column", 52, "TAG                    POLICY  PROBLEM\n…d-service:2026.11.30  fail    resolve: the registr…\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			listed := NewTable("TAG", "POLICY", "CHECKED", "PROBLEM").Drop("CHECKED")
			listed.Row(Ordinary, tag, "fail", "2h ago", "resolve: the registry refuses the credentials")
			listed.Write(&Shield{Writer: &out, Width: test.width})
			if out.String() != test.want {
				t.Errorf("written\n%swant\n%s", out.String(), test.want)
			}
		})
	}
}

func TestTableNeverWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	for limit := 20; limit < 200; limit++ {
		var out strings.Builder
		listed := NewTable("TAG", "IMAGE", "COUNT", "NOTE").Drop("IMAGE")
		listed.Row(Bad, "ghcr.io/組織/とても長い名前のサービス:1.0", "0123456789ab", "12", "説明 of what is wrong with it, at length")
		listed.Row(Ordinary, "a:1", "", "7", "")
		listed.Write(&Shield{Writer: &out, Width: limit})
		for line := range strings.Lines(out.String()) {
			if cells := CellsOf(strings.TrimSuffix(line, "\n")); cells > limit {
				t.Errorf("%d cells on a terminal of %d: %s", cells, limit, line)
			}
		}
		if !strings.Contains(out.String(), ":1.0") {
			t.Errorf("%d cells: the tag is cut away:\n%s", limit, out.String())
		}
	}
}
