package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// folder is an installation whose worker applies a folder of documents.
type folder struct {
	*installation
	dir string
}

// write has a file of the folder hold that text, with the host of the registry for HOST.
func (f *folder) write(name, text string) {
	f.t.Helper()
	must(f.t, os.WriteFile(filepath.Join(f.dir, name), []byte(strings.ReplaceAll(text, "HOST", f.registry.Host())), 0o600))
}

func (f *folder) remove(name string) {
	f.t.Helper()
	must(f.t, os.Remove(filepath.Join(f.dir, name)))
}

// endpoints waits until these are the endpoints.
func (f *folder) endpoints(want string) {
	f.t.Helper()
	f.eventually("the endpoints are "+want, func() bool {
		return strings.Join(strings.Fields(f.do("endpoint", "list", "-q")), " ") == want
	})
}

// applied waits until the folder is applied, or is not, and doctor, the status page and the
// metric agree.
func (f *folder) applied(want bool, message string) {
	f.t.Helper()
	value := map[bool]string{true: "0", false: "1"}[want]
	f.eventually("everybody says whether the folder is applied: "+message, func() bool {
		answer := made(f.Run(f.t.Context(), "doctor", "-o", "json"))(f.t)
		var found diagnosis
		must(f.t, json.Unmarshal([]byte(answer.Out), &found))
		page, said := f.page("/"), false
		for _, check := range found.Checks {
			said = said || check.Result == "fail" && check.Subject == "configuration" && (want || strings.Contains(check.Message, message))
		}
		return said != want && strings.Contains(page, "(--config-dir) is not applied") != want &&
			strings.Contains(f.page("/metrics"), "tagwatch_configuration_not_applied "+value)
	})
}

// TestFolderOfDocuments: a worker applies a folder when it starts and when it changes, deletes
// what is no longer listed, and refuses a folder that is wrong as a whole until it is mended.
func TestFolderOfDocuments(t *testing.T) {
	t.Parallel()
	f := &folder{counterparts(t), t.TempDir()}
	for _, tag := range []string{"shop/web:1", "shop/web:2", "shop/web:3"} {
		f.push(tag, lab.Debian(lab.Bookworm()...))
	}
	const web = "owner: platform\nsubscriptions: [{tags: [HOST/shop/web:1, HOST/shop/web:2], types: [tag_update]}]\n"
	f.write("watched.yaml", web)
	f.write("endpoints.yaml", "owner: platform\nendpoints: [{name: hook, url: 'https://hook.example.com/'}]\n")
	f.installation = f.elsewhere(t.TempDir(), "TAGWATCH_CONFIG_DIR="+f.dir, "TAGWATCH_CONFIG_OWNER=platform", "TAGWATCH_CONFIG_PRUNE=true")
	f.do("endpoint", "add", "mine", "https://mine.example.com/") // by hand, which no folder deletes
	f.watches("1", "2")
	f.endpoints("hook mine")
	f.applied(true, "at first")

	f.write("watched.yaml", strings.Replace(web, "web:2", "web:3", 1))
	f.watches("1", "3")

	f.write("more.yaml", "owner: platform\nsubscriptions: [{tags: [HOST/shop/web:2], typos: [tag_update]}]\n")
	f.applied(false, "typos")
	f.write("watched.yaml", strings.Replace(web, ", HOST/shop/web:2", "", 1))
	f.write("more.yaml", "owner: others\nsubscriptions: [{tags: [HOST/shop/web:2]}]\n")
	f.applied(false, "more.yaml")
	f.watches("1", "3")

	f.write("more.yaml", "owner: platform\nsubscriptions: [{tags: [HOST/shop/web:2]}]\n")
	f.watches("1", "2")
	f.applied(true, "after it was mended")

	f.remove("more.yaml")
	f.remove("endpoints.yaml")
	f.watches("1")
	f.endpoints("mine")

	f.remove("watched.yaml")
	f.applied(false, "")
	f.watches("1") // a folder without documents is a mistake, not a decision
	var trail []changed
	must(t, json.Unmarshal([]byte(f.do("audit", "-o", "json")), &trail))
	by := map[string]int{}
	for _, entry := range trail {
		by[entry.Who]++
	}
	if by["config-dir"] == 0 {
		t.Errorf("the trail has changes by %v", by)
	}
}
