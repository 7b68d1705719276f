package analyzer_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

var update = flag.Bool("update", false, "rewrite the golden inventories")

// goldenFolder has the inventories of the images below. The tests of package
// policy evaluate whole bundles on them.
const goldenFolder = "../../domain/policy/testdata/golden/inventories"

func TestGoldenInventories(t *testing.T) {
	t.Parallel()
	content := analyzer.DefaultContent()
	content.Search = []string{`PASSWORD=(?i).*password *= *[^ ]+`}
	content.Retrieve = []string{"/etc/passwd", "/etc/ssh/sshd_config"}
	for name, parts := range map[string][]lab.Part{"shop": shop(), "gateway": gateway(), "tool": tool()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, analyzer.Limits{})
			b.open(t, analyzer.Options{Content: &content})
			result, err := b.Analyze(t.Context(), b.push(t, build(t, parts...)))
			if err != nil {
				t.Fatal(err)
			}
			// The manifest's digest depends on how the compressor packs the layers.
			result.Inventory.Digest = image.Digest("sha256:" + strings.Repeat("0123456789abcdef", 4))
			got, err := json.MarshalIndent(result.Inventory, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, filepath.Join(goldenFolder, name+".json"), append(got, '\n'))
		})
	}
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}

// shop is what policies are made against: an application on a distribution, run
// by root, with an SSH server, secrets, odd modes and files that differ from what
// the packages installed.
func shop() []lab.Part {
	return []lab.Part{
		lab.ClassicHistory,
		lab.Debian(lab.Bookworm(lab.Deb{Name: "openssh-server", Version: "1:9.2p1-2", Source: "openssh", License: "BSD-2-clause", Section: "net"})...),
		lab.Run("apt-get update"),
		lab.Node("/app",
			lab.NodeModule{Name: "lodash", Version: "4.17.20"},
			lab.NodeModule{Name: "@shop/cart", Version: "0.3.0", License: "UNLICENSED"},
			lab.NodeModule{Name: "left-pad", Version: "1.3.0", License: "WTFPL"},
			lab.NodeModule{Name: "time_diff", Version: "0.2.9", License: "GPL-3.0-only"}),
		lab.Copy("/",
			lab.Text("/app/.env", "DB_PASSWORD = hunter2\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"),
			lab.Text("/root/.ssh/id_rsa", "-----BEGIN RSA PRIVATE KEY-----\nbm90IGEga2V5\n-----END RSA PRIVATE KEY-----\n"),
			lab.Symlink("/app/deploy.key", "/root/.ssh/id_rsa"),
			lab.Text("/etc/ssh/sshd_config", "Port 22\nPermitRootLogin yes\nPasswordAuthentication no\n"),
			lab.File{Path: "/usr/local/bin/helper", Data: []byte("#!/bin/sh\n"), Mode: fs.ModeSetuid | 0o755},
			lab.File{Path: "/var/mail", Dir: true, Mode: fs.ModeSetgid | 0o775, GID: 8},
			lab.File{Path: "/srv/upload", Data: []byte("anyone\n"), Mode: 0o777},
			lab.Text("/usr/share/doc/bash/copyright", "changed\n")),
		lab.Remove("/usr/share/doc/zlib1g/copyright"),
		lab.Env("NODE_ENV", "production"),
		lab.Expose("22/tcp", "8080/tcp"),
		lab.Volume("/data"),
		lab.Cmd("node", "/app/server.js"),
	}
}

// gateway is what policies ask for: few packages, a user of its own, a health
// check.
func gateway() []lab.Part {
	return []lab.Part{
		lab.Alpine(lab.Apk{Name: "musl", Version: "1.2.5-r0"}, lab.Apk{Name: "busybox", Version: "1.36.1-r29", License: "GPL-2.0-only"},
			lab.Apk{Name: "libssl3", Version: "3.3.0-r2", Origin: "openssl", License: "Apache-2.0"}),
		lab.Ruby(lab.Gem{Name: "rack", Version: "2.2.3"}, lab.Gem{Name: "rake", Version: "13.2.1"}, lab.Gem{Name: "shop-auth", Version: "1.0.0", License: "Proprietary"}),
		lab.Labels(map[string]string{"maintainer": "gateway@example.com"}),
		lab.Healthcheck("wget -q -O- localhost:8443/health"),
		lab.Expose("8443/tcp"),
		lab.User("app"),
		lab.Entrypoint("/usr/local/bin/gateway"),
	}
}

// tool has no distribution, and packages in archives only.
func tool() []lab.Part {
	return []lab.Part{
		lab.Platform("linux/arm64"),
		lab.StaticBinary("/tool"),
		lab.Java("/opt/tool", lab.Jar{Group: "org.apache.logging.log4j", Artifact: "log4j-core", Version: "2.14.1"},
			lab.Jar{Group: "mysql", Artifact: "mysql-connector-java", Version: "8.0.28", License: "GPL-2.0-only"}),
		lab.User("65534:65534"),
		lab.Entrypoint("/tool"),
	}
}
