package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY.md")

// TestThirdParty lists what is linked now: every license is known and allowed, and the
// list is up to date.
func TestThirdParty(t *testing.T) {
	const root = "../.."
	modules, err := linked(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if err := classify(modules); err != nil {
		t.Fatal(err)
	}
	want := table(modules)
	if *update {
		if err := os.WriteFile(filepath.Join(root, list), want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(filepath.Join(root, list))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what is linked; write it anew with: make docs", list)
	}
	content, err := allTexts(t.Context(), modules)
	if err != nil {
		t.Fatal(err)
	}
	if texts := string(content); !strings.Contains(texts, "github.com/anchore/syft v") || !strings.Contains(texts, "Go's standard library") {
		t.Error("the texts lack a module")
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	text := func(name string) string {
		content, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	for _, test := range []struct {
		name, file, content, says string // nothing: allowed
	}{
		{"Apache", "LICENSE", text("LICENSE"), ""},
		{"none", "README.md", "Licensed under MIT", "unknown"},
		{"own words", "LICENSE.txt", "Do with it what you like, but not on Sundays.", "unknown"},
		{"GPL", "COPYING", gpl, "GPL-2.0"},
		{"Apache and GPL", "LICENSE", text("LICENSE") + "\n" + gpl, "GPL-2.0"},
	} {
		m := &module{folder: t.TempDir()}
		if err := os.WriteFile(filepath.Join(m.folder, test.file), []byte(test.content), 0o644); err != nil {
			t.Fatal(err)
		}
		err := m.classify()
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want an error that says %q", test.name, err, test.says)
		}
	}
	missing := &module{folder: filepath.Join(t.TempDir(), "absent")}
	if err := missing.classify(); err == nil {
		t.Error("a module whose folder is missing is allowed")
	}
}

// gpl is how a program says that it is under that license.
const gpl = `This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public License as published by
the Free Software Foundation; either version 2 of the License, or (at your option) any later version.

This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of MERCHANTABILITY or
FITNESS FOR A PARTICULAR PURPOSE. See the GNU General Public License for more details.

You should have received a copy of the GNU General Public License along with this program; if not, write to the Free Software Foundation, Inc.,
51 Franklin Street, Fifth Floor, Boston, MA 02110-1301 USA.
`
