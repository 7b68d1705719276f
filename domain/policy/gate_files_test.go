package policy

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestFileContent(t *testing.T) {
	t.Parallel()
	image := withImage(sbom.Inventory{ContentHits: []sbom.Hit{
		{Path: "/a", Expression: "PASSWORD=.*password.*"},
		{Path: "/b", Expression: ".*unnamed.*"},
	}})
	a := "File content analyzer found regexp match in container: file=/a regexp=PASSWORD=.*password.*"
	b := "File content analyzer found regexp match in container: file=/b regexp=.*unnamed.*"
	testTrigger(t, "files", "content_regex_match", []gateTest{
		{"all", nil, image, []string{a, b}},
		{"empty stands for all", []string{"regex_name", ""}, image, []string{a, b}},
		{"by name", []string{"regex_name", "PASSWORD"}, image, []string{a}},
		{"by expression", []string{"regex_name", ".*password.*"}, image, []string{a}},
		{"by expression without a name", []string{"regex_name", ".*unnamed.*"}, image, []string{b}},
		{"not as a pattern", []string{"regex_name", "PASS.*"}, image, nil},
		{"nothing found", nil, input(), nil},
	})
}

func TestFileName(t *testing.T) {
	t.Parallel()
	image := withFiles(sbom.File{Path: "/a"}, sbom.File{Path: "/a/b.pem"}, sbom.File{Path: "/a/c.pem"})
	testTrigger(t, "files", "name_match", []gateTest{
		{"each file", []string{"regex", `.*\.pem`}, image, []string{
			`Application of regex matched file found in container: file=/a/b.pem regexp=.*\.pem`,
			`Application of regex matched file found in container: file=/a/c.pem regexp=.*\.pem`}},
		{"from the start", []string{"regex", `b\.pem`}, image, nil},
		{"need not reach the end", []string{"regex", `/a/b`}, image, []string{`Application of regex matched file found in container: file=/a/b.pem regexp=/a/b`}},
		{"back-reference", []string{"regex", `/(a)/(?!\1)b`}, image, []string{`Application of regex matched file found in container: file=/a/b.pem regexp=/(a)/(?!\1)b`}},
	})
}

func TestFileAttributes(t *testing.T) {
	t.Parallel()
	image := withFiles(
		sbom.File{Path: "/a", Mode: sbom.ModeDirectory | 0o755},
		sbom.File{Path: "/a/b.pem", Mode: sbom.ModeRegular | 0o644, SHA256: "abc"},
		sbom.File{Path: "/su", Mode: sbom.ModeRegular | sbom.ModeSetUID | 0o755},
	)
	rule := func(name string, more ...string) []string { return join([]string{"filename", name}, more) }
	testTrigger(t, "files", "attribute_match", []gateTest{
		{"checksum", rule("/a/b.pem", "checksum", "abc"), image, []string{"filename=/a/b.pem and checksum=abc op=equals specified_checksum=abc"}},
		{"another checksum", rule("/a/b.pem", "checksum", "abd"), image, nil},
		{"checksum that must differ", rule("/a/b.pem", "checksum", "abd", "checksum_match", "not_equals", "checksum_algorithm", "sha256"), image,
			[]string{"filename=/a/b.pem and checksum=abc op=not_equals specified_checksum=abd"}},
		{"checksum of a directory", rule("/a", "checksum", "abc", "checksum_match", "not_equals"), image,
			[]string{"filename=/a and checksum=DIRECTORY_OR_OTHER op=not_equals specified_checksum=abc"}},
		{"mode", rule("/a/b.pem", "mode", "00644"), image, []string{"filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644"}},
		{"mode with its set-uid bit", rule("/su", "mode", "4755"), image, []string{"filename=/su and mode=0o4755 op=equals specified_mode=0o4755"}},
		{"mode without its set-uid bit", rule("/su", "mode", "755"), image, nil},
		{"mode with the type of the file", rule("/a/b.pem", "mode", "100644"), image, nil},
		{"mode with the type of the file must differ", rule("/a/b.pem", "mode", "0o100644", "mode_op", "not_equals"), image, []string{"filename=/a/b.pem and mode=0o644 op=not_equals specified_mode=0o100644"}},
		{"mode with a prefix", rule("/a/b.pem", "mode", "0o644"), image, []string{"filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644"}},
		{"mode with blanks and a capital", rule("/a/b.pem", "mode", " 0O644\t"), image, []string{"filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644"}},
		{"mode with underscores", rule("/a/b.pem", "mode", "0o_6_44"), image, []string{"filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644"}},
		{"mode with a sign", rule("/a/b.pem", "mode", "+644"), image, []string{"filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644"}},
		{"negative mode", rule("/a/b.pem", "mode", "-644", "mode_op", "not_equals"), image, []string{"filename=/a/b.pem and mode=0o644 op=not_equals specified_mode=-0o644"}},
		{"mode of many digits", rule("/a/b.pem", "mode", "7777777777777777777777777", "mode_op", "not_equals"), image, []string{"filename=/a/b.pem and mode=0o644 op=not_equals specified_mode=0o7777777777777777777777777"}},
		{"mode with many zeros", rule("/a/b.pem", "mode", "000000000000000000000000000644"), image, []string{"filename=/a/b.pem and mode=0o644 op=equals specified_mode=0o644"}},
		{"empty mode", rule("/a/b.pem", "mode", ""), image, nil},
		{"mode that must differ", rule("/a/b.pem", "mode", "600", "mode_op", "not_equals"), image, []string{"filename=/a/b.pem and mode=0o644 op=not_equals specified_mode=0o600"}},
		{"both", rule("/a/b.pem", "checksum", "abc", "mode", "644"), image,
			[]string{"filename=/a/b.pem and checksum=abc op=equals specified_checksum=abc and mode=0o644 op=equals specified_mode=0o644"}},
		{"only one of both", rule("/a/b.pem", "checksum", "abc", "mode", "600"), image, nil},
		{"nothing given", rule("/a/b.pem"), image, nil},
		{"absent", rule("/missing", "mode", "600"), image, nil},
		{"absent and notified", rule("/missing", "mode", "600", "skip_missing", "false"), image, []string{"filename=/missing and skip_missing=False"}},
		{"present and absence notified", rule("/a/b.pem", "mode", "600", "skip_missing", "false"), image, nil},
	})
}

func TestFileModeRefusesWhatIsNotOctal(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"rwx", "0x1ff", "648", "6 44", "6__44", "_644", "644_", "0o", "--644", " ", "0o0o644"} {
		checkModeIsRefused(t, mode)
	}
}

// TestModeOfNoFile: the DoD's bundles have modes with the type of the file.
func TestModeOfNoFile(t *testing.T) {
	t.Parallel()
	for mode, warned := range map[string]bool{"0o104111": true, "-1": true, "7777": false, "0o644": false, "": false} {
		policy := policyOf("p", ruleOf("r1", "files", "attribute_match", "STOP", "filename", "/a", "mode", mode))
		_, problems := Parse([]byte(parts{policies: policy}.document()))
		if got := len(problems) == 1 && problems[0].Severity == Warning && problems[0].Type == problemIneffective; got != warned || !warned && len(problems) > 0 {
			t.Errorf("mode %q: problems %v", mode, problems)
		}
	}
}

func checkModeIsRefused(t *testing.T, mode string) {
	t.Helper()
	if problems := problemsOf(t, "files", "attribute_match", "filename", "/a", "mode", mode); len(problems) != 1 {
		t.Errorf("problems %v, want one", problems)
	}
}

func TestFileSetUID(t *testing.T) {
	t.Parallel()
	testTrigger(t, "files", "suid_or_guid_set", []gateTest{{"each entry", nil, withFiles(
		sbom.File{Path: "/su", Mode: sbom.ModeRegular | sbom.ModeSetUID | 0o755},
		sbom.File{Path: "/sh", Mode: sbom.ModeRegular | 0o755},
		sbom.File{Path: "/tmp", Mode: sbom.ModeDirectory | sbom.ModeSticky | 0o777},
		sbom.File{Path: "/var/mail", Mode: sbom.ModeDirectory | sbom.ModeSetGID | 0o775},
	), []string{
		"SUID or SGID found set on file /su. Mode: 0o104755",
		"SUID or SGID found set on file /var/mail. Mode: 0o42775",
	}}})
}

// TestFileSetUIDOfPublishedWhitelist reproduces the trigger ids that the public
// CIS bundle whitelists.
func TestFileSetUIDOfPublishedWhitelist(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/cis-setuid-trigger-ids.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var files []sbom.File
	var want []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if fields[0] == "family" {
			continue
		}
		mode, err := strconv.ParseUint(fields[2], 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, sbom.File{Path: fields[1], Mode: uint32(mode)})
		want = append(want, fields[3])
	}
	if len(want) != 39 {
		t.Fatalf("%d entries, want 39", len(want))
	}
	if diff := cmp.Diff(want, idsOf(rowsOf(t, withFiles(files...), "files", "suid_or_guid_set"))); diff != "" {
		t.Errorf("trigger ids (-want +got)\n%s", diff)
	}
}
