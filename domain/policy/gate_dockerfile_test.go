package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestDockerfileInstruction(t *testing.T) {
	t.Parallel()
	two := withDockerfile("FROM a:1\nFROM b:2\nRUN id")
	rule := func(instruction, check string, more ...string) []string {
		return join([]string{"instruction", instruction, "check", check}, more)
	}
	testTrigger(t, "dockerfile", "instruction", []gateTest{
		{"equal", rule("FROM", "=", "value", "a:1"), two, []string{"Dockerfile directive 'FROM' check '=' matched against 'a:1' for line 'a:1'"}},
		{"equal to none", rule("FROM", "=", "value", "c:3"), two, nil},
		{"different fires per line", rule("FROM", "!=", "value", "c:3"), two, []string{
			"Dockerfile directive 'FROM' check '!=' matched against 'c:3' for line 'a:1'",
			"Dockerfile directive 'FROM' check '!=' matched against 'c:3' for line 'b:2'"}},
		{"different of an absent instruction", rule("USER", "!=", "value", "root"), two, nil},
		{"exists", rule("RUN", "exists"), two, []string{"Dockerfile directive 'RUN' check 'exists' matched against '' for line 'id'"}},
		{"exists with a value", rule("RUN", "exists", "value", "x"), two, []string{"Dockerfile directive 'RUN' check 'exists' matched against 'x' for line 'id'"}},
		{"exists of an absent instruction", rule("USER", "exists"), two, nil},
		{"not_exists", rule("HEALTHCHECK", "not_exists"), two, []string{"Dockerfile directive 'HEALTHCHECK' not found, matching condition 'not_exists' check"}},
		{"not_exists of a present instruction", rule("FROM", "not_exists"), two, nil},
		{"like from the start", rule("FROM", "like", "value", "b"), two, []string{"Dockerfile directive 'FROM' check 'like' matched against 'b' for line 'b:2'"}},
		{"like not from the middle", rule("FROM", "like", "value", ":2"), two, nil},
		{"like with look-ahead", rule("FROM", "like", "value", ".(?!:1)"), two, []string{"Dockerfile directive 'FROM' check 'like' matched against '.(?!:1)' for line 'b:2'"}},
		{"not_like", rule("FROM", "not_like", "value", "a:.*"), two, []string{"Dockerfile directive 'FROM' check 'not_like' matched against 'a:.*' for line 'b:2'"}},
		{"in", rule("FROM", "in", "value", "x , a:1"), two, []string{"Dockerfile directive 'FROM' check 'in' matched against 'x , a:1' for line 'a:1'"}},
		{"not_in", rule("FROM", "not_in", "value", "a:1"), two, []string{"Dockerfile directive 'FROM' check 'not_in' matched against 'a:1' for line 'b:2'"}},
		{"no value", rule("FROM", "!="), two, nil},
		{"no value", rule("FROM", "!="), two, nil},
		{"empty value", rule("FROM", "!=", "value", ""), two, []string{
			"Dockerfile directive 'FROM' check '!=' matched against '' for line 'a:1'",
			"Dockerfile directive 'FROM' check '!=' matched against '' for line 'b:2'",
		}},
		{"empty value equal", rule("RUN", "=", "value", ""), withDockerfile("RUN\nRUN x"), []string{"Dockerfile directive 'RUN' check '=' matched against '' for line ''"}},
		{"empty value like", rule("USER", "like", "value", ""), withDockerfile("USER app"), []string{"Dockerfile directive 'USER' check 'like' matched against '' for line 'app'"}},
		{"empty value not like", rule("USER", "not_like", "value", ""), withDockerfile("USER app"), nil},
		{"empty value in", rule("USER", "in", "value", ""), withDockerfile("USER app"), nil},
		{"empty value not in", rule("USER", "not_in", "value", ""), withDockerfile("USER app"), []string{"Dockerfile directive 'USER' check 'not_in' matched against '' for line 'app'"}},
		{"lower-case line", rule("USER", "exists"), withDockerfile("user app"), []string{"Dockerfile directive 'USER' check 'exists' matched against '' for line 'app'"}},
		{"no lines", rule("USER", "not_exists"), withDockerfile("# nothing\n\n"), nil},
		{"inferred", rule("USER", "not_exists"), withHistory("FROM scratch"), []string{"Dockerfile directive 'USER' not found, matching condition 'not_exists' check"}},
		{"inferred but only actual wanted", rule("USER", "not_exists", "actual_dockerfile_only", "TRUE"), withHistory("FROM scratch"), nil},
		{"actual and only actual wanted", rule("RUN", "exists", "actual_dockerfile_only", "true"), two, []string{"Dockerfile directive 'RUN' check 'exists' matched against '' for line 'id'"}},
	})
}

func TestDockerfileInstructionRefusesBadExpression(t *testing.T) {
	t.Parallel()
	for _, check := range []string{"like", "not_like"} {
		if problems := problemsOf(t, "dockerfile", "instruction", "instruction", "RUN", "check", check, "value", "("); len(problems) != 1 {
			t.Errorf("%s: problems %v, want one", check, problems)
		}
	}
	if problems := problemsOf(t, "dockerfile", "instruction", "instruction", "RUN", "check", "=", "value", "("); len(problems) != 0 {
		t.Errorf("problems %v, want none: the value is no expression", problems)
	}
}

func TestDockerfileEffectiveUser(t *testing.T) {
	t.Parallel()
	rule := func(kind, users string) []string { return []string{"type", kind, "users", users} }
	app := withDockerfile("FROM a\nUSER root\nUSER app")
	group := withDockerfile("FROM a\nUSER app:staff")
	testTrigger(t, "dockerfile", "effective_user", []gateTest{
		{"forbidden by default", rule("blacklist", "root"), withDockerfile("FROM a"), []string{"User root found as effective user, which is explicity not allowed"}},
		{"last one counts", rule("blacklist", "root"), app, nil},
		{"forbidden", rule("blacklist", "x, app"), app, []string{"User app found as effective user, which is explicity not allowed"}},
		{"allowed", rule("whitelist", "x, app"), app, nil},
		{"not allowed", rule("whitelist", "nobody"), app, []string{"User app found as effective user, which is not on the allowed list"}},
		{"forbidden without its group", rule("blacklist", "app"), group, []string{"User app:staff found as effective user, which is explicity not allowed"}},
		{"forbidden with its group", rule("blacklist", "app:staff"), group, []string{"User app:staff found as effective user, which is explicity not allowed"}},
		{"allowed without its group", rule("whitelist", "app"), group, nil},
		{"another group", rule("whitelist", "app:other"), group, []string{"User app:staff found as effective user, which is not on the allowed list"}},
		{"in brackets", rule("blacklist", "app"), withDockerfile("USER [app]"), []string{"User app found as effective user, which is explicity not allowed"}},
		{"lower-case line", rule("whitelist", "root"), withDockerfile("user app"), []string{"User app found as effective user, which is not on the allowed list"}},
		{"no name", rule("whitelist", "root"), withDockerfile("USER"), nil},
		{"empty elements", rule("blacklist", ",root,"), withDockerfile("FROM a"), []string{"User root found as effective user, which is explicity not allowed"}},
		{"no lines", rule("blacklist", "root"), withDockerfile(""), nil},
		{"inferred", rule("whitelist", "root"), withHistory("FROM scratch\nUSER app"), []string{"User app found as effective user, which is not on the allowed list"}},
	})
}

func TestDockerfileExposedPortsDenied(t *testing.T) {
	t.Parallel()
	rule := func(ports string) []string { return []string{"type", "blacklist", "ports", ports} }
	denied := func(tokens ...string) (messages []string) {
		for _, token := range tokens {
			messages = append(messages, "Dockerfile exposes port ("+token+") which is in policy file DENIEDPORTS list")
		}
		return messages
	}
	testTrigger(t, "dockerfile", "exposed_ports", []gateTest{
		{"bare", rule("22"), withDockerfile("EXPOSE 22 22/tcp"), denied("22")},
		{"tcp before udp", rule("22"), withDockerfile("EXPOSE 22/udp 22/tcp"), denied("22/tcp")},
		{"udp", rule("53"), withDockerfile("EXPOSE 53/UDP"), denied("53/udp")},
		{"sctp", rule("53"), withDockerfile("EXPOSE 53/sctp"), denied("53/sctp")},
		{"order of the rule", rule("80,22"), withDockerfile("EXPOSE 22 80"), denied("80", "22")},
		{"per line", rule("22"), withDockerfile("EXPOSE 22\nexpose 22/tcp"), denied("22", "22/tcp")},
		{"another port", rule("22"), withDockerfile("EXPOSE 2222 $PORT"), nil},
		{"in a range", rule("8005"), withDockerfile("EXPOSE 8000-8010/tcp"), denied("8005/tcp")},
		{"beyond a range", rule("8011"), withDockerfile("EXPOSE 8000-8010"), nil},
		{"a map", rule("22"), withHistory("EXPOSE map[22/tcp:{} 80/tcp:{}]"), denied("22/tcp")},
		{"port 0", rule("0"), withDockerfile("EXPOSE 22 8000-8010/tcp"), nil},
		{"port 0 exposed", rule("22,0"), withDockerfile("EXPOSE 0"), denied("0")},
		{"leading zeros", rule("022"), withDockerfile("EXPOSE 22"), denied("22")},
		{"inferred but only actual wanted", join(rule("22"), []string{"actual_dockerfile_only", "true"}), withHistory("EXPOSE 22"), nil},
	})
}

func TestDockerfileExposedPortsNotAllowed(t *testing.T) {
	t.Parallel()
	rule := func(ports string) []string { return []string{"type", "whitelist", "ports", ports} }
	refused := func(tokens ...string) (messages []string) {
		for _, token := range tokens {
			messages = append(messages, "Dockerfile exposes port ("+token+") which is not in policy file ALLOWEDPORTS list")
		}
		return messages
	}
	testTrigger(t, "dockerfile", "exposed_ports", []gateTest{
		{"all allowed", rule("80,443"), withDockerfile("EXPOSE 80 443/tcp 443/udp"), nil},
		{"as written", rule("80"), withDockerfile("EXPOSE 80 22/tcp $PORT"), refused("22/tcp", "$PORT")},
		{"a range that is allowed", rule("80,81"), withDockerfile("EXPOSE 80-81"), nil},
		{"a range that is not", rule("80,82"), withDockerfile("EXPOSE 80-82/tcp"), refused("80-82/tcp")},
		{"a range backwards", rule("80"), withDockerfile("EXPOSE 82-80"), refused("82-80")},
		{"a map", rule("80"), withHistory("EXPOSE map[22/tcp:{} 80/tcp:{}]"), refused("22/tcp")},
		{"port 0", rule("0"), withDockerfile("EXPOSE 22 0/udp"), refused("22")},
		{"nothing exposed", rule("80"), withDockerfile("FROM a"), nil},
	})
}

func TestNoDockerfileProvided(t *testing.T) {
	t.Parallel()
	testTrigger(t, "dockerfile", "no_dockerfile_provided", []gateTest{
		{"inferred", nil, withHistory("FROM scratch"), []string{"Image was not analyzed with an actual Dockerfile"}},
		{"none", nil, withHistory(""), []string{"Image was not analyzed with an actual Dockerfile"}},
		{"actual", nil, withDockerfile("FROM a"), nil},
	})
}

func TestParseDockerfile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		inferred   bool
		want       []string
	}{
		{"words", "  FROM\ta:1  \nrun  id", false, []string{"FROM|a:1", "RUN|id"}},
		{"comments and blank lines", "# a\n\n  # b\nRUN id # c", false, []string{"RUN|id # c"}},
		{"no argument", "CMD", false, []string{"CMD|"}},
		{"Windows line ends", "FROM a\r\nRUN b \\\r\n c\r\n", false, []string{"FROM|a", "RUN|b c"}},
		{"continuation", "RUN a && \\\n    b && \\  \n\tc\nUSER app", false, []string{"RUN|a && b && c", "USER|app"}},
		{"continuation within a word", "EXPOSE 80\\\n80", false, []string{"EXPOSE|8080"}},
		{"comment in a continuation", "RUN a \\\n# no\n\n  b", false, []string{"RUN|a b"}},
		{"continuation at the end", "RUN a \\", false, []string{"RUN|a"}},
		{"escape directive", "# syntax=x\n# escape=`\nRUN dir C:\\\nRUN a `\n b", false, []string{`RUN|dir C:\`, "RUN|a b"}},
		{"escape directive too late", "FROM a\n# escape=`\nRUN a `\nRUN b", false, []string{"FROM|a", "RUN|a `", "RUN|b"}},
		{"here-document", "RUN python3 <<EOF\nfrom x import y\nuser = 1\nEOF\nUSER app", false, []string{"RUN|python3 <<EOF from x import y user = 1", "USER|app"}},
		{"two here-documents", "COPY <<a <<-'b' /x\nFROM 1\na\nFROM 2\n\tb\nUSER app", false, []string{"COPY|<<a <<-'b' /x FROM 1 FROM 2", "USER|app"}},
		{"here-document without an end", "RUN cat <<EOF\nUSER root", false, []string{"RUN|cat <<EOF", "USER|root"}},
		{"a shift is no here-document", "ENV X=a <<EOF\nUSER root\nEOF", false, []string{"ENV|X=a <<EOF", "USER|root", "EOF|"}},
		{"an inferred line stays one", "RUN echo \\\nUSER root\nRUN cat <<EOF\nEXPOSE 22", true, []string{`RUN|echo \`, "USER|root", "RUN|cat <<EOF", "EXPOSE|22"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, line := range parseDockerfile(sbom.Dockerfile{Text: test.text, Actual: !test.inferred}) {
				got = append(got, strings.Join([]string{line.word, line.argument}, "|"))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzParseDockerfile looks for texts that fail it, or of which it makes up
// instructions.
func FuzzParseDockerfile(f *testing.F) {
	f.Add("# escape=`\nRUN a `\n  b\nCOPY <<-EOF /x\n\tb\n\tEOF\nCMD", true)
	f.Add("RUN a \\\n\n# c\n", true)
	f.Add("RUN a \\", false)
	f.Fuzz(func(t *testing.T, text string, actual bool) {
		lines := parseDockerfile(sbom.Dockerfile{Text: text, Actual: actual})
		if most := strings.Count(text, "\n") + 1; len(lines) > most {
			t.Errorf("%d instructions of %d lines", len(lines), most)
		}
	})
}
