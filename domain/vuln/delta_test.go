package vuln_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func sums(change ...func(*vuln.Sums)) *vuln.Sums {
	s := vuln.NewSums(1)
	s.AddGlobal(vuln.Sum{Low: 1})
	s.Add(vuln.NameKey("OpenSSL"), vuln.Sum{Low: 1, High: 2})
	s.Add(vuln.NameKey("zlib"), vuln.Sum{Low: 3})
	s.Add(vuln.ProductKey("Redis"), vuln.Sum{Low: 4})
	s.Add(vuln.RefKey("CVE-1"), vuln.Sum{Low: 5})
	for _, c := range change {
		c(s)
	}
	return s
}

func TestDelta(t *testing.T) {
	t.Parallel()
	row := vuln.Sum{Low: 9}
	cases := []struct {
		name       string
		change     func(*vuln.Sums)
		keys, refs []string
		want       bool
	}{
		{"nothing", func(*vuln.Sums) {}, []string{"openssl", "zlib", "cpe:redis"}, []string{"cve-1"}, false},
		{"row added", func(s *vuln.Sums) { s.Add(vuln.NameKey("openssl"), row) }, []string{"openssl"}, nil, true},
		{"another name", func(s *vuln.Sums) { s.Add(vuln.NameKey("openssl"), row) }, []string{"zlib"}, []string{"openssl"}, false},
		{"new name", func(s *vuln.Sums) { s.Add(vuln.NameKey("NEW"), row) }, []string{"new"}, nil, true},
		{"name gone", func(s *vuln.Sums) { delete(s.Keys, vuln.NameKey("zlib")) }, []string{"zlib"}, nil, true},
		{"product", func(s *vuln.Sums) { s.Add(vuln.ProductKey("redis"), row) }, []string{"cpe:redis"}, nil, true},
		{"product is no package", func(s *vuln.Sums) { s.Add(vuln.ProductKey("redis"), row) }, []string{"redis"}, nil, false},
		{"record", func(s *vuln.Sums) { s.Add(vuln.RefKey("CVE-1"), row) }, []string{"openssl"}, []string{"cve-1"}, true},
		{"record of another", func(s *vuln.Sums) { s.Add(vuln.RefKey("CVE-1"), row) }, []string{"openssl"}, []string{"cve-2"}, false},
		{"global", func(s *vuln.Sums) { s.AddGlobal(row) }, nil, nil, true},
		{"layout", func(s *vuln.Sums) { s.Layout = 2 }, nil, nil, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := touches(vuln.Changed(sums(), sums(c.change)), c.keys, c.refs); got != c.want {
				t.Errorf("touched %v, want %v", got, c.want)
			}
			if got := touches(vuln.Changed(sums(c.change), sums()), c.keys, c.refs); got != c.want {
				t.Errorf("backwards: touched %v, want %v", got, c.want)
			}
		})
	}
}

func TestDeltaOfUnknownTouchesAll(t *testing.T) {
	t.Parallel()
	none := vuln.NewSums(0)
	for _, d := range []vuln.Delta{vuln.Changed(nil, sums()), vuln.Changed(none, sums()), vuln.Changed(sums(), none), vuln.Changed(none, none)} {
		if !d.All || d.Empty() || !d.TouchesName("x") || !d.TouchesRecord("CVE-1") {
			t.Errorf("delta %+v does not touch all", d)
		}
	}
	if d := vuln.Changed(sums(), sums()); !d.Empty() || d.Size() != 0 {
		t.Errorf("delta %+v of the same is not empty", d)
	}
}

func TestSumsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	key, a, b := vuln.NameKey("n"), vuln.Sum{Low: ^uint64(0), High: 7}, vuln.Sum{Low: 2, High: ^uint64(0)}
	one, other := vuln.NewSums(1), vuln.NewSums(1)
	one.Add(key, a)
	one.Add(key, b)
	other.Add(key, b)
	other.Add(key, a)
	if !vuln.Changed(one, other).Empty() {
		t.Error("the order of rows makes a difference")
	}
}

func TestSumsEncoding(t *testing.T) {
	t.Parallel()
	text, err := sums().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got vuln.Sums
	if err := got.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sums(), &got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := got.UnmarshalBinary(text[:len(text)-1]); !errors.Is(err, errkind.Invalid) {
		t.Errorf("cut off: error %v, want errkind.Invalid", err)
	}
	if err := got.UnmarshalBinary([]byte("another version's")); err != nil || !vuln.Changed(&got, sums()).All {
		t.Errorf("another version's sums: error %v, delta %+v", err, vuln.Changed(&got, sums()))
	}
}

func touches(d vuln.Delta, keys, refs []string) bool {
	return d.All || slices.ContainsFunc(keys, d.TouchesName) || slices.ContainsFunc(refs, d.TouchesRecord)
}
