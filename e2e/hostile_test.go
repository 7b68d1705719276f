package e2e_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestHostileImages: of tags that move to images made to do harm the move is notified,
// the status names the limit that ended the analysis and what to do, and what was
// known of the image before stays. Others are served meanwhile, and an image that
// can be analyzed is notified about again.
func TestHostileImages(t *testing.T) {
	t.Parallel()
	i := install(t, "TAGWATCH_ANALYSIS_CPU=15s")
	honest := lab.Debian(lab.Bookworm()...)
	endless, deep := i.push("shop/endless:1", honest), i.push("shop/deep:1", honest)
	i.do("subscribe", "--wait", endless, deep)
	i.notified(2)
	i.push("shop/endless:1", lab.Copy("/srv", lab.File{Path: "/srv/app.jar", Data: nestedJars(t)}))
	i.push("shop/deep:1", lab.Copy("/", lab.Text(strings.Repeat("/deep", 300), "")))
	i.do("rescan", endless, deep)
	other := i.push("shop/other:1", lab.Debian(lab.Bookworm()...), lab.Python(django))
	i.do("subscribe", "--wait", other)
	for reference, says := range map[string]string{endless: "processor limit of 15s", deep: "path 257 folders deep, the limit is 256"} {
		i.eventually("the status names the limit", func() bool {
			status := strings.Join(strings.Fields(i.do("status", reference)), " ")
			return strings.Contains(status, says) && strings.Contains(status, "tagwatch rescan "+reference)
		})
		if list := i.do("vulnerabilities", reference); !strings.Contains(list, "CVE-2026-1001") {
			t.Errorf("%s: what was known of the former image is gone: %s", reference, list)
		}
	}
	if got := kinds(i.notified(5)); got["analysis_update"] != 3 || got["tag_update"] != 2 {
		t.Errorf("notified %v, want the analyses of the honest images and both moves", got)
	}
	for _, name := range []string{"endless", "deep"} {
		i.push("shop/"+name+":1", lab.Debian(lab.Bookworm()...), lab.Python(django))
	}
	i.do("rescan", endless, deep)
	if got := kinds(i.notified(9)); got["analysis_update"] != 5 || got["tag_update"] != 4 {
		t.Errorf("notified %v, want a further move and the analysis of both", got)
	}
}

// nestedJars are ten jars in each of ten jars, and so on: some kilobytes that
// nobody comes to the end of.
func nestedJars(t *testing.T) []byte {
	t.Helper()
	inner, name := []byte("Manifest-Version: 1.0\n\n"), "META-INF/MANIFEST.MF"
	for range 7 {
		var archive bytes.Buffer
		writer := zip.NewWriter(&archive)
		for n := range 10 {
			_, err := made(writer.Create(fmt.Sprint(n, name)))(t).Write(inner)
			must(t, err)
		}
		must(t, writer.Close())
		inner, name = archive.Bytes(), ".jar"
	}
	return inner
}
