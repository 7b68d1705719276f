package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRetrievedUnavailable(t *testing.T) {
	t.Parallel()
	testTrigger(t, "retrieved_files", "content_not_available", []gateTest{
		{"nothing kept", []string{"path", "/etc/x"}, input(), []string{"Cannot locate file in the image analysis"}},
		{"another kept", []string{"path", "/etc/x"}, withRetrieved("/etc/y", ""), []string{"Cannot locate file in the image analysis"}},
		{"kept", []string{"path", "/etc/x"}, withRetrieved("/etc/x", ""), nil},
	})
}

func TestRetrievedContent(t *testing.T) {
	t.Parallel()
	image := withRetrieved("/etc/ssh/sshd_config", "# comment\r\n  PermitRootLogin yes\nPort 22\n")
	tests := []struct {
		name, path, check, regex string
		want                     bool
	}{
		{"line", "/etc/ssh/sshd_config", "match", "Port 22$", true},
		{"line with its indentation", "/etc/ssh/sshd_config", "match", `\s*PermitRootLogin yes`, true},
		{"line without its end", "/etc/ssh/sshd_config", "match", "# comment$", true},
		{"word within a line", "/etc/ssh/sshd_config", "match", "yes$", true},
		{"from the start only", "/etc/ssh/sshd_config", "match", "ort 22", false},
		{"not over lines", "/etc/ssh/sshd_config", "match", `(?s).*yes\s+Port`, false},
		{"absence", "/etc/ssh/sshd_config", "no_match", "Protocol 2", true},
		{"no absence", "/etc/ssh/sshd_config", "no_match", "Port", false},
		{"file not kept", "/etc/other", "match", ".*", false},
		{"absence in a file not kept", "/etc/other", "no_match", "x", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rows := rowsOf(t, image, "retrieved_files", "content_regex", "path", test.path, "check", test.check, "regex", test.regex)
			var want, ids []string
			if test.want {
				want = []string{"Content regex '" + test.regex + "' check '" + test.check + "' found in retrieved file '" + test.path + "'"}
				ids = []string{"r1+file://" + test.path}
			}
			if diff := cmp.Diff(want, messagesOf(rows)); diff != "" {
				t.Errorf("messages (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(ids, idsOf(rows)); diff != "" {
				t.Errorf("trigger ids (-want +got)\n%s", diff)
			}
		})
	}
}

func TestRetrievedContentOfRuleWithoutID(t *testing.T) {
	t.Parallel()
	c := &check{
		input: withRetrieved("/etc/x", "a"), gate: "retrieved_files", trigger: "content_regex", memo: newMemo(noTimeLimit(), nil),
		params: map[string]string{"path": "/etc/x", "check": "match", "regex": "a"},
	}
	if err := retrievedContent(c); err != nil {
		t.Fatal(err)
	}
	if got := c.firings[0].id; got != "None+file:///etc/x" {
		t.Errorf("trigger id %s, want None+file:///etc/x", got)
	}
}
