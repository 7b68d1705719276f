package sbom_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestInferDockerfileLine(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, createdBy, want string }{
		{"classic instruction", `/bin/sh -c #(nop)  CMD ["nginx" "-g" "daemon off;"]`, `CMD ["nginx" "-g" "daemon off;"]`},
		{"classic add", `/bin/sh -c #(nop) ADD file:1a2b in / `, `ADD file:1a2b in /`},
		{"classic unknown word", `/bin/sh -c #(nop)  CROSS_BUILD x`, `CROSS_BUILD x`},
		{"classic command", `/bin/sh -c apt-get update`, `RUN /bin/sh -c apt-get update`},
		{"classic command with arguments", `|1 VERSION=1 /bin/sh -c make`, `RUN |1 VERSION=1 /bin/sh -c make`},
		{"classic instruction under another shell", `/bin/bash -o pipefail -c #(nop)  USER app`, `USER app`},
		{"classic instruction under Windows", `cmd /S /C #(nop)  USER app`, `USER app`},
		{"classic mark without an instruction", `/bin/sh -c #(nop) `, `RUN /bin/sh -c #(nop)`},
		{"classic ports", `/bin/sh -c #(nop)  EXPOSE 80  443`, `EXPOSE 80  443`},
		{"classic ports as a map", `/bin/sh -c #(nop)  EXPOSE map[443/tcp:{} 80/tcp:{}]`, `EXPOSE 443/tcp 80/tcp`},
		{"classic health check stays", `/bin/sh -c #(nop)  HEALTHCHECK &{["NONE"] "0s" "0s" "0s" '\x00'}`, `HEALTHCHECK &{["NONE"] "0s" "0s" "0s" '\x00'}`},
		{"mark inside a command", `/bin/sh -c echo #(nop) USER root`, `RUN /bin/sh -c echo #(nop) USER root`},
		{"mark inside a BuildKit command", `RUN /bin/sh -c echo #(nop) USER root # buildkit`, `RUN /bin/sh -c echo #(nop) USER root`},
		{"BuildKit command", `RUN /bin/sh -c apt-get update # buildkit`, `RUN /bin/sh -c apt-get update`},
		{"BuildKit copy", `COPY . /app # buildkit`, `COPY . /app`},
		{"BuildKit user", `USER app`, `USER app`},
		{"BuildKit environment", `ENV PATH=/usr/bin:/bin`, `ENV PATH=/usr/bin:/bin`},
		{"BuildKit port", `EXPOSE map[22/tcp:{}]`, `EXPOSE 22/tcp`},
		{"BuildKit ports", `EXPOSE map[53/udp:{} 80/tcp:{}]`, `EXPOSE 53/udp 80/tcp`},
		{"BuildKit health check of a shell", `HEALTHCHECK &{["CMD-SHELL" "curl -f localhost || exit 1"] "30s" "3s" "0s" "0s" '\x03'}`,
			`HEALTHCHECK --interval=30s --timeout=3s --retries=3 CMD curl -f localhost || exit 1`},
		{"BuildKit health check of a list", `HEALTHCHECK &{["CMD" "/check" "a&b"] "0s" "0s" "1m0s" '\x00'}`, `HEALTHCHECK --start-period=1m0s CMD ["/check" "a&b"]`},
		{"BuildKit health check with start interval", `HEALTHCHECK &{["CMD" "/check"] "0s" "0s" "0s" "5s" '\x00'}`, `HEALTHCHECK --start-interval=5s CMD ["/check"]`},
		{"BuildKit no health check", `HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" '\x00'}`, `HEALTHCHECK NONE`},
		{"health check with an empty setting", `HEALTHCHECK &{["CMD" "/check"] "1s" "0s" "0s" ""}`, `HEALTHCHECK --interval=1s CMD ["/check"]`},
		{"health check with a text that Go cannot read", `HEALTHCHECK &{["\x"] "0s"}`, `HEALTHCHECK &{["\x"] "0s"}`},
		{"health check of another form", `HEALTHCHECK &{[curl]}`, `HEALTHCHECK &{[curl]}`},
		{"health check cut short", `HEALTHCHECK &{["CMD"] "0s"`, `HEALTHCHECK &{["CMD"] "0s"`},
		{"health check of a person", `HEALTHCHECK CMD true`, `HEALTHCHECK CMD true`},
		{"other builder", `# debian.sh --arch 'amd64' out/ 'bookworm'`, `RUN # debian.sh --arch 'amd64' out/ 'bookworm'`},
		{"bare word", `apko`, `RUN apko`},
		{"lower-case word is no instruction", `user root`, `RUN user root`},
		{"several lines stay one", "RUN /bin/sh -c a\nUSER root\r\nb # buildkit", `RUN /bin/sh -c a USER root b`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := sbom.InferDockerfile([]sbom.HistoryEntry{{CreatedBy: test.createdBy}})
			if diff := cmp.Diff("FROM scratch\n"+test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestInferDockerfileKeepsOrderAndSkipsEmptyEntries(t *testing.T) {
	t.Parallel()
	got := sbom.InferDockerfile([]sbom.HistoryEntry{{CreatedBy: "ENV A=1"}, {}, {CreatedBy: " "}, {CreatedBy: "ENV A=2"}})
	want := strings.Join([]string{"FROM scratch", "ENV A=1", "ENV A=2"}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExposedPorts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, argument string
		want           []string
	}{
		{"none", "", nil},
		{"as written", "80  443/tcp 8000-8010", []string{"80", "443/tcp", "8000-8010"}},
		{"a map", "map[22/tcp:{} 53/udp:{}]", []string{"22/tcp", "53/udp"}},
		{"an empty map", "map[]", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := sbom.ExposedPorts(test.argument)
			if strings.Join(got, ",") != strings.Join(test.want, ",") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// FuzzInferDockerfile looks for histories that fail it, or whose one entry passes
// for several instructions.
func FuzzInferDockerfile(f *testing.F) {
	f.Add(`/bin/sh -c #(nop)  EXPOSE map[22/tcp:{}]`)
	f.Add(`HEALTHCHECK &{["CMD-SHELL" "true"] "30s" "3s" "0s" "0s" '\x03'}`)
	f.Add("RUN a\nUSER root")
	f.Fuzz(func(t *testing.T, createdBy string) {
		got := sbom.InferDockerfile([]sbom.HistoryEntry{{CreatedBy: createdBy}})
		if lines := strings.Count(got, "\n"); lines > 1 {
			t.Errorf("%d lines from one entry: %q", lines, got)
		}
	})
}
