package e2e_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// planted is in every secret of the test, and found only where it belongs.
const planted = "pl4nted"

// TestSecretsStayWhereTheyAre gives endpoints every kind of secret, to receivers
// that send back all they get, and looks for them in everything that Tagwatch
// writes: its database, the histories of the workflows, logs, and what the command
// line prints.
func TestSecretsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole, _ := httputil.DumpRequest(r, true)
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "%s %s %q", r.URL.RequestURI(), whole, r.Header)
	}))
	t.Cleanup(echo.Close)
	cert, key, keyText := clientKey(t)
	address := strings.Replace(echo.URL, "http://", "http://user:"+planted+"-userinfo@", 1)
	i := install(t, "PASSWORD="+planted+"-password", "TOKEN="+planted+`-"token"&more`, "HEADER="+planted+"-header", "SIGNING="+planted+"-signing",
		"ADDRESS="+echo.URL+"/services/"+planted+"-path?key="+planted+"-query", "USERINFO="+address, "NOBODY=http://127.0.0.1:1/"+planted+"-path?"+planted)
	for name, options := range map[string][]string{
		"basic":    {echo.URL, "--user", "u", "--password-env", "PASSWORD", "--secret-env", "SIGNING"},
		"bearer":   {echo.URL, "--token-env", "TOKEN", "--header-env", "X-Key=HEADER"},
		"address":  {"env:ADDRESS", "--format", "slack"},
		"userinfo": {"env:USERINFO"},
		"nobody":   {"env:NOBODY"},
		"client":   {strings.Replace(echo.URL, "http:", "https:", 1), "--cert-file", cert, "--key-file", key},
	} {
		i.do(append([]string{"endpoint", "add", name}, options...)...)
	}
	printed := made(i.Run(t.Context(), "endpoint", "add", "open", "https://hooks.slack.com/services/"+planted))(t)
	if printed.Code != 2 {
		t.Errorf("an address that is a secret is taken in the open: %+v", printed)
	}
	text := printed.Out + printed.Err
	for _, name := range []string{"basic", "bearer", "address", "userinfo", "client"} {
		result := made(i.Run(t.Context(), "endpoint", "test", name))(t)
		text += result.Out + result.Err
	}
	i.do("subscribe", "--wait", i.push("shop/api:1", lab.Debian(lab.Bookworm()...)))
	i.eventually("every endpoint was tried", func() bool { return len(attempted(i)) == 7 })
	text += i.do("deliveries", "--attempts") + i.do("endpoint", "list") + i.do("endpoint", "list", "-o", "json") + i.log.String()
	must(t, i.Stop()) // so that everything is on disk
	leaks := append(encodings(planted), keyText)
	check(t, "what is printed", []byte(text), leaks)
	must(t, filepath.WalkDir(i.DataDir(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(path, filepath.Dir(key)) {
			check(t, path, made(os.ReadFile(path))(t), leaks)
		}
		return err
	}))
}

// attempted are the deliveries at which an attempt was made.
func attempted(i *installation) (found []delivered) {
	for _, d := range i.deliveries() {
		if d.Answer != "" || d.State == "delivered" {
			found = append(found, d)
		}
	}
	return found
}

func check(t *testing.T, where string, content []byte, leaks []string) {
	t.Helper()
	for _, leak := range leaks {
		if at := bytes.Index(content, []byte(leak)); at >= 0 {
			t.Errorf("%s shows %q: %q", where, leak, content[max(0, at-100):min(len(content), at+100)])
		}
	}
}

// encodings are what a text looks like as it is, in a URL, and in base64 at each of
// the three places where it can begin.
func encodings(text string) []string {
	found := []string{text, url.QueryEscape(text)}
	for shift := range 3 {
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
		found = append(found, encoded[shift+1:len(encoded)-4]) // what its neighbours do not change
	}
	return found
}

// clientKey writes a certificate and its key, and returns a line of the key.
func clientKey(t *testing.T) (certFile, keyFile, line string) {
	t.Helper()
	key := made(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der := made(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	encoded := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: made(x509.MarshalPKCS8PrivateKey(key))(t)})
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(keyFile, encoded, 0o600))
	return certFile, keyFile, strings.Split(string(encoded), "\n")[2]
}
