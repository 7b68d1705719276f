package taglist_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

func TestFilterVersions(t *testing.T) {
	t.Parallel()
	nginx := "1 1.26 1.26.3 1.27 1.27.0 1.27.3 1.27.10 1.28.0-rc1 1.28.0 1.27.3-alpine 1.27.3-alpine3.20 1.28.0-alpine 1.28.0-rc1-alpine latest stable-alpine"
	ubuntu := "14.04 20.04 22.04 22.10 24.04 24.10 noble rolling"
	calendar := "2024.9.30 2024.10.3 2024.10.12 2025.1.0 2024-11-05 main"
	tests := []struct {
		name   string
		tags   string
		filter taglist.Filter
		want   string
	}{
		{"at least, below", nginx, taglist.Filter{Versions: ">=1.26.1 <1.28"}, "1.26.3 1.27 1.27.0 1.27.10 1.27.3"},
		{"comma", nginx, taglist.Filter{Versions: ">=1.26.1, <1.27"}, "1.26.3"},
		{"about", nginx, taglist.Filter{Versions: "~1.27"}, "1.27 1.27.0 1.27.10 1.27.3"},
		{"compatible", nginx, taglist.Filter{Versions: "^1.27.1"}, "1.27.10 1.27.3 1.28.0"},
		{"one or the other", nginx, taglist.Filter{Versions: "~1.26.1 || ~1.28"}, "1.26.3 1.28.0"},
		{"from to", nginx, taglist.Filter{Versions: "1.26.3 - 1.27.3"}, "1.26.3 1.27 1.27.0 1.27.3"},
		{"suffix", nginx, taglist.Filter{Versions: "~1.27", Suffixes: []string{"alpine"}}, "1.27.3-alpine"},
		{"any alpine", nginx, taglist.Filter{Versions: "~1.27", Suffixes: []string{"alpine*"}}, "1.27.3-alpine 1.27.3-alpine3.20"},
		{"with and without", nginx, taglist.Filter{Versions: "~1.28", Suffixes: []string{"", "alpine"}}, "1.28.0 1.28.0-alpine"},
		{"any suffix", nginx, taglist.Filter{Versions: "1.27.3", Suffixes: []string{"*"}}, "1.27.3 1.27.3-alpine 1.27.3-alpine3.20"},
		{"suffix without a range", nginx, taglist.Filter{Suffixes: []string{"alpine3.*"}}, "1.27.3-alpine3.20"},
		{"prereleases", nginx, taglist.Filter{Versions: "~1.28-0", Prereleases: true}, "1.28.0 1.28.0-rc1"},
		{"a range that names one", nginx, taglist.Filter{Versions: ">=1.28.0-rc1"}, "1.28.0 1.28.0-rc1"},
		{"prereleases with a suffix", nginx, taglist.Filter{Versions: ">=1.28.0-rc.1", Suffixes: []string{"alpine"}}, "1.28.0-alpine 1.28.0-rc1-alpine"},
		{"newest, by number", nginx, taglist.Filter{Newest: 2}, "1.27.10 1.28.0"},
		{"newest of a range", nginx, taglist.Filter{Versions: "~1.27", Newest: 2}, "1.27.10 1.27.3"},
		{"two names of one version are one", "1.28 1.28.0 v1.28.0 1.27.1", taglist.Filter{Newest: 1}, "1.28 1.28.0 v1.28.0"},
		{"newest of each suffix", nginx, taglist.Filter{Newest: 1, Suffixes: []string{"", "alpine"}}, "1.28.0 1.28.0-alpine"},
		{"newest of all suffixes", "1.0-r9 1.0-r10 0.9-r11", taglist.Filter{Newest: 1, Suffixes: []string{"r*"}}, "1.0-r10"},
		{"kept besides, and not counted", nginx, taglist.Filter{Versions: "^1", Newest: 1, Keep: []string{"latest", "stable*"}}, "1.28.0 latest stable-alpine"},
		{"exclusion wins over keeping", nginx, taglist.Filter{Newest: 1, Keep: []string{"*alpine"}, Exclude: []string{"stable*"}},
			"1.27.3-alpine 1.28.0 1.28.0-alpine 1.28.0-rc1-alpine"},
		{"globs first", nginx, taglist.Filter{Include: []string{"1.27*"}, Newest: 1}, "1.27.10"},
		{"calendar, year and month", ubuntu, taglist.Filter{Versions: ">=22.04"}, "22.04 22.10 24.04 24.10"},
		{"calendar, one month", ubuntu, taglist.Filter{Versions: "~22.04 || ~24.04"}, "22.04 24.04"},
		{"calendar, these months", ubuntu, taglist.Filter{Versions: "22.04 || 24.04"}, "22.04 24.04"},
		{"from, to a shorter one", nginx, taglist.Filter{Versions: "1.26.1 - 1.27"}, "1.26.3 1.27 1.27.0 1.27.10 1.27.3"},
		{"calendar, newest", ubuntu, taglist.Filter{Newest: 2}, "24.04 24.10"},
		{"calendar, days", calendar, taglist.Filter{Versions: "^2024.10"}, "2024-11-05 2024.10.12 2024.10.3"},
		{"calendar, days with dashes", calendar, taglist.Filter{Versions: ">=2024-10-04"}, "2024-11-05 2024.10.12 2025.1.0"},
		{"calendar, newest days", calendar, taglist.Filter{Versions: "<2025", Newest: 2}, "2024-11-05 2024.10.12"},
		{"expression", nginx, taglist.Filter{Regex: []string{`1\.2[68]\.\d+`}}, "1.26.3 1.28.0"},
		{"expression of the whole tag", nginx, taglist.Filter{Regex: []string{`1\.2`}}, ""},
		{"expression or glob", nginx, taglist.Filter{Regex: []string{`\d`}, Include: []string{"latest"}}, "1 latest"},
		{"expression that excludes", ubuntu, taglist.Filter{ExcludeRegex: []string{`\d+\.\d+|rolling`}}, "noble"},
		{"expression that says where the number is", "main-9-0a1b main-10-ffff main-x", taglist.Filter{Regex: []string{`main-(?P<version>\d+)-[0-9a-f]+`}, Newest: 1}, "main-10-ffff"},
		{"expression that says where the version is", "jdk-17.0.2 jdk-21.0.1 jre-21.0.1 jdk-9", taglist.Filter{Regex: []string{`jdk-(?P<version>.*)`}, Newest: 2},
			"jdk-17.0.2 jdk-21.0.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := test.filter.Validate(); err != nil {
				t.Fatal(err)
			}
			got, err := test.filter.Select(strings.Fields(test.tags))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("selected (-want +got)\n%s", diff)
			}
		})
	}
}

func TestFilterValidateVersions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		filter taglist.Filter
		says   string
	}{
		{"suffix in a range", taglist.Filter{Versions: "~1.27-alpine"}, "--suffix alpine"},
		{"prerelease with a suffix in a range", taglist.Filter{Versions: ">=1.28-rc1-alpine"}, "is not a prerelease"},
		{"no range", taglist.Filter{Versions: "newest"}, "'~1.27'"},
		{"four numbers", taglist.Filter{Versions: ">=1.2.3.4"}, "version range"},
		{"endless", taglist.Filter{Versions: strings.Repeat(">=1 ", 1000)}, "version range"},
		{"negative", taglist.Filter{Newest: -1}, "-1"},
		{"broken expression", taglist.Filter{Regex: []string{"1.(2"}}, `tag expression "1.(2"`},
		{"broken expression that excludes", taglist.Filter{ExcludeRegex: []string{"*"}}, `tag expression "*"`},
		{"broken glob to keep", taglist.Filter{Keep: []string{"[a"}}, "tag pattern"},
		{"broken suffix", taglist.Filter{Suffixes: []string{"[a"}}, "tag pattern"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.filter.Validate()
			if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v", err)
			}
			if _, err := test.filter.Select(nil); !errors.Is(err, errkind.Invalid) {
				t.Errorf("selects by it: %v", err)
			}
		})
	}
}

// TestFilterJudge says of each tag why it is in or out.
func TestFilterJudge(t *testing.T) {
	t.Parallel()
	filter := taglist.Filter{Include: []string{"[0-9]*", "v*"}, Exclude: []string{"*-debug"}, Keep: []string{"latest"}, Versions: "^1.2", Newest: 1}
	signature := "sha256-" + strings.Repeat("0", 64)
	want := map[string]string{
		"1.3.0": "true selected ^1.2", "1.2.0": "false older ^1.2", "1.1.0": "false range ^1.2", "1.4.0-rc1": "false prerelease ^1.2",
		"1.3.0-alpine": "false suffix ^1.2", "vendor": "false no_version ^1.2", "main": "false not_included ", "1.3.0-debug": "false excluded *-debug",
		"latest": "true kept latest", signature + ".att": "false artifact ", signature: "false artifact ",
		"no tag": "false no_tag ", "evil@linux/amd64": "false no_tag ", "": "false no_tag ",
	}
	var tags []string
	for tag := range want {
		tags = append(tags, tag, tag)
	}
	judged, err := filter.Judge(tags)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, each := range judged {
		got[each.Tag] = fmt.Sprintf("%v %s %s", each.Selected, each.Reason, each.By)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(judged) != len(want) {
		t.Errorf("%d judged (-want +got)\n%s", len(judged), diff)
	}
}

func BenchmarkFilterJudge(b *testing.B) {
	var tags []string
	for n := range 10_000 {
		tags = append(tags, fmt.Sprintf("1.%d.%d-alpine3.%d", n/100, n%100, n%20))
	}
	filter := taglist.Filter{Regex: []string{`1\..*`}, Versions: ">=1.20 <2", Suffixes: []string{"alpine*"}, Newest: 100, Keep: []string{"latest"}}
	for b.Loop() {
		if _, err := filter.Judge(tags); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(tags))/b.Elapsed().Seconds(), "tags/s")
}
