package vuln_test

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kind, older, newer string }{
		{"npm", "4.17.20", "4.17.21"},
		{"npm", "4.9.0", "4.17.0"},
		{"npm", "1.0.0-rc.1", "1.0.0"},
		{"npm", "1.0.0-alpha", "1.0.0-beta"},
		{"npm", "1.0.0-rc.1", "1.0.0-rc.2"},
		{"pypi", "1.0", "1.0.post1"},
		{"pypi", "1.0rc1", "1.0"},
		{"golang", "v1.2.3", "v1.10.0"},
		{"maven", "2.14.1", "2.17.0"},
		{"deb", "3.0.9-1", "3.0.11-1~deb12u2"},
		{"deb", "1.0-1~deb12u1", "1.0-1"},
		{"deb", "1.0-1", "1.0-1+deb12u1"},
		{"deb", "9.9-1", "1:1.0-1"},
		{"rpm", "1.1.1k-7.el8", "1.1.1k-9.el8"},
		{"apk", "3.3.0-r0", "3.3.0-r2"},
		{"deb", "1.0", "1.0.0"},
		{"npm", "99999999999999999998.0.0", "99999999999999999999.0.0"},
	} {
		if vuln.CompareVersions(test.kind, test.older, test.newer) >= 0 || vuln.CompareVersions(test.kind, test.newer, test.older) <= 0 {
			t.Errorf("%s: %s is not older than %s", test.kind, test.older, test.newer)
		}
	}
	for _, test := range []struct{ kind, a, b string }{
		{"npm", "1.0", "1.0.0"}, {"golang", "v1.2.3", "1.2.3+incompatible"}, {"deb", "0:1.0-1", "1.0-1"}, {"pypi", "", "0"},
	} {
		if vuln.CompareVersions(test.kind, test.a, test.b) != 0 {
			t.Errorf("%s: %q and %q differ", test.kind, test.a, test.b)
		}
	}
}
