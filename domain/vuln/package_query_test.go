package vuln_test

import (
	"errors"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func TestPackageQuery(t *testing.T) {
	t.Parallel()
	lodash := vuln.Package{Name: "lodash", Version: "4.17.20", Type: "npm", PURL: "pkg:npm/lodash@4.17.20"}
	scoped := vuln.Package{Name: "@babel/core", Version: "7.0.0", Type: "npm", PURL: "pkg:npm/%40babel/core@7.0.0"}
	zlib := vuln.Package{Name: "zlib1g", Version: "1:1.2.13.dfsg-1", Type: "deb", PURL: "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12"}
	for _, test := range []struct {
		query string
		pkg   vuln.Package
		want  bool
	}{
		{"pkg:npm/lodash", lodash, true},
		{"pkg:NPM/Lodash", lodash, true},
		{"pkg:npm/lodash@4.17.20", lodash, true},
		{"pkg:npm/lodash@4.17.21", lodash, false},
		{"pkg:npm/lodash@<4.17.21", lodash, true},
		{"pkg:npm/lodash@>=4, <4.17.20", lodash, false},
		{"pkg:npm/lodash@>=4,<=4.17.20", lodash, true},
		{"pkg:npm/lodash@>4.17.20", lodash, false},
		{"pkg:pypi/lodash", lodash, false},
		{"pkg:npm/%40babel/core", scoped, true},
		{"pkg:npm/@babel/core@<8", scoped, true},
		{"pkg:npm/core", scoped, true},
		{"pkg:npm/@other/core", scoped, false},
		{"pkg:deb/debian/zlib1g@<1:1.2.14", zlib, true},
		{"pkg:deb/zlib1g@1%3A1.2.13.dfsg-1?arch=arm64", zlib, true},
		{"pkg:deb/ubuntu/zlib1g", zlib, false},
		{"pkg:npm/lodash", vuln.Package{Name: "lodash", Version: "4.17.20"}, false},
	} {
		query, err := vuln.ParsePackageQuery(test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
		}
		if got := query.Selects(test.pkg); got != test.want {
			t.Errorf("%s selects %s %s: %t", test.query, test.pkg.Name, test.pkg.Version, got)
		}
	}
}

func TestBadPackageQuery(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"lodash", "pkg:", "pkg:npm", "pkg:npm/", "pkg:npm/lodash@<", "pkg:npm/lodash@>=1,,<2", "pkg:npm/%zz"} {
		if _, err := vuln.ParsePackageQuery(text); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
