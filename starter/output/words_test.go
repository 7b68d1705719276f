package output

import (
	"bytes"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	table := NewTable("NAME", "MESSAGE")
	table.Row(Bad, "ünï", "two\nlines\x1b[31m")
	table.Row(Ordinary, "longer name", "")
	var out bytes.Buffer
	table.Write(&out)
	want := "NAME         MESSAGE\nünï          two lines\ufffd[31m\nlonger name\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
