package licenses

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	"github.com/anchore/syft/syft/pkg"
	"github.com/google/licensecheck"
)

// licenseText is long enough to be recognized, and not by its name.
const licenseText = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is
hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN
AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.
`

func TestScannerInFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "licenses")
	if err := Write(path); err != nil {
		t.Fatal(err)
	}
	file, err := Find(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("is the one that the library builds", func(t *testing.T) { sameAsBuilt(t, file) })
	t.Run("gives syft the same licenses", func(t *testing.T) { sameLicenses(t, file) })
	t.Run("is refused if it has changed", func(t *testing.T) { refusedIfChanged(t, file) })
}

func sameAsBuilt(t *testing.T, file File) {
	loaded, err := file.load()
	if err != nil {
		t.Fatal(err)
	}
	built, err := licensecheck.NewScanner(licensecheck.BuiltinLicenses())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded, built) {
		t.Error("the loaded scanner differs from the built one")
	}
}

// sameLicenses compares a scanner in a file, and none, with syft's own.
func sameLicenses(t *testing.T, file File) {
	config := cataloging.DefaultLicenseConfig()
	own, err := syft.SetContextLicenseScanner(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]File{"in a file": file, "none": {}} {
		ctx, err := Use(t.Context(), file, config.Coverage)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{licenseText, "All rights\nto this text are mine.", licenseText + strings.Repeat("word ", 1000)} {
			want := pkg.NewLicensesFromValuesWithContext(own, text)
			if got := pkg.NewLicensesFromValuesWithContext(ctx, text); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		if got := pkg.NewLicensesFromValuesWithContext(ctx, licenseText); len(got) != 1 || got[0].SPDXExpression != "ISC" {
			t.Errorf("%s: %v, want ISC", name, got)
		}
	}
}

func refusedIfChanged(t *testing.T, file File) {
	content, err := os.ReadFile(file.Path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(file.Path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.load(); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error = %v, want one that says that the file has changed", err)
	}
}
