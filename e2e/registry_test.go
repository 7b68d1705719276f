package e2e_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestPrivateRegistry watches a tag of a registry that asks for everything that
// one can ask for, with a mirror that lags behind, and checks after it by the
// command line.
func TestPrivateRegistry(t *testing.T) {
	t.Parallel()
	authority, folder := made(lab.NewAuthority())(t), t.TempDir()
	store := made(lab.NewSecureRegistry(made(authority.Server(true))(t)))(t)
	t.Cleanup(func() { _ = store.Close() })
	tokens := made(lab.NewTokenService(made(authority.Server(false))(t)))(t)
	t.Cleanup(func() { _ = tokens.Close() })
	mirror := made(lab.NewRegistry())(t)
	t.Cleanup(func() { _ = mirror.Close() })
	tokens.Admit("robot", "hunter2", "")
	store.RequireTokens(tokens)
	built := made(lab.NewImage(lab.Debian(lab.Bookworm()...)))(t)
	made(store.Push("shop/web:1", built))(t)
	made(mirror.Push("cache/shop/web:2", built))(t)
	made(mirror.Push("cache/shop/web:1", made(lab.NewImage(lab.Copy("/old", lab.Text("/old", "x"))))(t)))(t)

	certificate, key, err := authority.Write(folder, "client")
	must(t, err)
	login := filepath.Join(folder, "docker", "config.json")
	must(t, os.Mkdir(filepath.Dir(login), 0o700))
	logIn(t, login, store.Host(), "hunter2")
	file := filepath.Join(folder, "registries.conf")
	ca := filepath.Join(folder, "ca.pem")
	must(t, os.WriteFile(ca, authority.PEM(), 0o600))
	must(t, os.WriteFile(file, fmt.Appendf(nil, `
[[registry]]
location = %[1]q
[[registry.mirror]]
location = "%[2]s/cache"
[tagwatch.host.%[1]q]
ca-file = %[3]q
client-certificate = %[4]q
client-key = %[5]q
`, store.Host(), mirror.Host(), ca, certificate, key), 0o600))
	i := install(t, "TAGWATCH_REGISTRIES_FILE="+file, "DOCKER_CONFIG="+filepath.Dir(login), "TAGWATCH_POLL=30s")

	tag := store.Reference("shop/web:1")
	if said := i.do("registry", "check", tag); !strings.Contains(said, "user robot") || !strings.Contains(said, "registry[0]") ||
		!strings.Contains(said, "Mirror 1: "+mirror.Host()+"/cache/shop/web, used for digests") {
		t.Errorf("check says\n%s", said)
	}
	i.do("subscribe", tag, "--type", "analysis_update")
	i.notified(1)
	if store.Count(lab.Call{Kind: lab.KindBlob}) != 0 || mirror.Count(lab.Call{Kind: lab.KindBlob}) == 0 {
		t.Error("layers do not come from the mirror")
	}
	i.eventually("the registry is listed as one that answers", func() bool {
		return strings.Contains(i.do("registry", "list"), store.Host()+"  reachable")
	})

	tokens.Admit("robot", "changed", "")
	result := made(i.Run(t.Context(), "registry", "check", store.Host()))(t)
	if result.Code != 1 || !strings.Contains(result.Out, "were rejected; log in again as the user of the worker (docker login "+store.Host()+")") {
		t.Errorf("check with a password that is no longer right: exit code %d\n%s%s", result.Code, result.Out, result.Err)
	}
	logIn(t, login, store.Host(), "changed")
	i.do("registry", "check", store.Host())
	if strings.Contains(result.Out+result.Err, "hunter2") {
		t.Error("a secret shows")
	}
	spoiltSettings(i, store.Host(), file)
}

// spoiltSettings makes the registries file of a running worker invalid and valid
// again, and looks for what is said about it.
func spoiltSettings(i *installation, host, file string) {
	valid := made(os.ReadFile(file))(i.t)
	must(i.t, os.WriteFile(file, append(valid, "colour = 'red'\n"...), 0o600))
	said := i.do("registry", "check", host) // what was valid before works
	if !strings.Contains(said, "Invalid") || !strings.Contains(said, "unknown key tagwatch.host."+host+".colour") {
		i.t.Errorf("check with an invalid file says\n%s", said)
	}
	i.eventually("the doctor warns of settings that are refused", func() bool {
		return i.warns("registries", "changed registry settings are invalid", "fix the registries file")
	})
	must(i.t, os.WriteFile(file, valid, 0o600))
	if said := i.do("registry", "check", host); strings.Contains(said, "Invalid") {
		i.t.Errorf("check with a file that is valid again says\n%s", said)
	}
}

func logIn(t *testing.T, file, host, password string) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte("robot:" + password))
	must(t, os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, host, auth), 0o600))
}
