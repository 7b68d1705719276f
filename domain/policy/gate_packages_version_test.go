package policy

import (
	"cmp"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind, a, b string
		want       int
	}{
		{"deb", "1.0", "1.0", 0},
		{"deb", "1.0-1", "1.0-2", -1},
		{"deb", "1.0~rc1-1", "1.0-1", -1},
		{"deb", "1:1.0-1", "2.0-1", -1},
		{"deb", "1:1.0-1", "1.0-1", 0},
		{"deb", "0:2.0-1", "1.0-1", 1},
		{"deb", "1:1.0-1", "0:2.0-1", 1},
		{"deb", "1:1.0-1", "2:0.1-1", -1},
		{"deb", "1:7.4.052-1", "7.4.051", 1},
		{"deb", "1.10", "1.9", 1},
		{"deb", "1.0+dfsg-1", "1.0-1", 1},
		{"apk", "1.2.4-r2", "1.2.4-r10", -1},
		{"apk", "1.2.4_rc1", "1.2.4", -1},
		{"apk", "1.2.4_p1", "1.2.4", 1},
		{"apk", "1.2.4-r0", "1.2.4", 1},
		{"rpm", "1.0", "1.0", 0},
		{"rpm", "1.0-1", "1.0", 0},
		{"rpm", "1.0-1.el9", "1.0-2.el9", -1},
		{"rpm", "1:1.0-1", "2.0-1", -1},
		{"rpm", "1:1.1.1k-9.el8", "3.0.0", -1},
		{"rpm", "1:1.1.1k-9.el8", "1:3.0.0", -1},
		{"rpm", "1:1.1.1k-9.el8", "0:3.0.0", 1},
		{"rpm", "2:1.0-1", "1:9.0-1", 1},
		{"rpm", "10:1.0-1", "9:1.0-1", 1},
		{"rpm", "99999999999999999999:1.0", "1:2.0", 1},
		{"rpm", "0:1.0-1", "1.0-1", 0},
		{"rpm", "1.10", "1.9", 1},
		{"rpm", "2.0.1", "2.0", 1},
		{"rpm", "2.0.1a", "2.0.1", 1},
		{"rpm", "5.5p1", "5.5p10", -1},
		{"rpm", "10xyz", "10.1xyz", -1},
		{"rpm", "xyz10", "xyz10.1", -1},
		{"rpm", "8.a", "8.10", -1},
		{"rpm", "1.05", "1.5", 0},
		{"rpm", "2_0", "2.0", 0},
		{"rpm", "1.0.", "1.0", 0},
		{"rpm", "20101121", "20101122", -1},
		{"rpm", "99999999999999999999", "100000000000000000000", -1},
		{"rpm", "1.0~rc1", "1.0", -1},
		{"rpm", "1.0~rc1", "1.0~rc2", -1},
		{"rpm", "1.0~rc1~git", "1.0~rc1", -1},
		{"rpm", "1.0^", "1.0", 1},
		{"rpm", "1.0^git1", "1.0", 1},
		{"rpm", "1.0^git1", "1.0^git2", -1},
		{"rpm", "1.0^git1", "1.01", -1},
		{"rpm", "1.0^20160101", "1.0.1", -1},
		{"rpm", "1.0~rc1^git1", "1.0~rc1", 1},
		{"rpm", "1.0^git1~pre", "1.0^git1", -1},
	}
	for _, test := range tests {
		t.Run(test.kind+" "+test.a+" "+test.b, func(t *testing.T) {
			t.Parallel()
			for _, turn := range []struct {
				a, b string
				want int
			}{{test.a, test.b, test.want}, {test.b, test.a, -test.want}} {
				order, comparable := compareVersions(test.kind, turn.a, turn.b)
				if !comparable || cmp.Compare(order, 0) != turn.want {
					t.Errorf("%s to %s: %d, %t, want %d", turn.a, turn.b, order, comparable, turn.want)
				}
			}
		})
	}
}

func TestCompareVersionsWithoutOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kind, a, b string }{
		{"npm", "1.0.0", "2.0.0"},
		{"deb", "latest", "1.0"},
		{"deb", "1.0", "latest"},
		{"apk", "latest", "1.0"},
		{"apk", "1.0", "1.0-final"},
	} {
		if _, comparable := compareVersions(test.kind, test.a, test.b); comparable {
			t.Errorf("%s: %s and %s have an order, want none", test.kind, test.a, test.b)
		}
	}
}

// FuzzCompareVersions looks for versions that fail a comparison, or that it
// orders differently the other way round.
func FuzzCompareVersions(f *testing.F) {
	f.Add("1:1.0~rc1-1.el9", "1.0^git-2")
	f.Add("1.2.4_rc1-r2", "1.2.4")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, kind := range []string{"deb", "apk", "rpm"} {
			there, _ := compareVersions(kind, a, b)
			back, _ := compareVersions(kind, b, a)
			if kind == "rpm" && cmp.Compare(there, 0) != -cmp.Compare(back, 0) {
				t.Errorf("%q to %q: %d, the other way round %d", a, b, there, back)
			}
		}
	})
}
