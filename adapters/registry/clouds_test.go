package registry

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// cloud is a stand-in for a cloud's endpoint on the loopback interface.
func cloud(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// isolated takes away whatever credentials the machine has.
func isolated(t *testing.T) *Registry {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AZURE_TENANT_ID",
		"AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST", "GOOGLE_APPLICATION_CREDENTIALS"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func sessionWith(t *testing.T, client *Registry, name string) *host {
	t.Helper()
	h, err := client.host(name)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

const ecrHost = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

func TestECR(t *testing.T) {
	client := isolated(t)
	var asked atomic.Int64
	answer := fmt.Sprintf(`{"authorizationData":[{"authorizationToken":%q}]}`, base64.StdEncoding.EncodeToString([]byte("AWS:secret")))
	status := http.StatusOK
	endpoint := cloud(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		signed := r.Header.Get("Authorization")
		if !strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=AKIALAB/") || !strings.Contains(signed, "/eu-west-1/ecr/aws4_request") ||
			r.Header.Get("X-Amz-Target") != "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	})
	t.Setenv("AWS_ENDPOINT_URL_ECR", endpoint.URL)
	h := sessionWith(t, client, ecrHost)
	if _, err := client.keys.find(t.Context(), h, "app"); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Errorf("without credentials: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIALAB")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	for range 3 {
		held, err := client.keys.find(t.Context(), h, "app")
		if err != nil || held.username != "AWS" || held.password != "secret" || held.source.name != "AWS (ECR)" {
			t.Fatalf("found %+v, %v", held, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times, want once", asked.Load())
	}
	for text, wrong := range map[string]string{"ecr:GetAuthorizationToken": `{"__type":"AccessDeniedException"}`, "cannot be read": `{"authorizationData":[{"authorizationToken":"!"}]}`} {
		client.keys.forget(h)
		if answer = wrong; strings.Contains(wrong, "Denied") {
			status = http.StatusBadRequest
		} else {
			status = http.StatusOK
		}
		if _, err := client.keys.find(t.Context(), h, "app"); err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("answer %s: %v", wrong, err)
		}
	}
}

func TestEndpointsOfECR(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_ECR", "")
	t.Setenv("AWS_ENDPOINT_URL", "")
	for host, want := range map[string]string{
		ecrHost: "https://api.ecr.eu-west-1.amazonaws.com",
		"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com": "https://ecr-fips.us-gov-west-1.amazonaws.com",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":      "https://api.ecr.cn-north-1.amazonaws.com.cn",
		"123456789012.dkr-ecr.eu-west-1.on.aws":                 "https://api.ecr.eu-west-1.amazonaws.com",
		"public.ecr.aws":                                        "",
		"dkr.ecr.eu-west-1.amazonaws.com":                       "",
		ecrHost + ".attacker.example":                           "",
		"123456789012.dkr.ecr.evil.example/.amazonaws.com":      "",
	} {
		got := ""
		if parts := privateECR.FindStringSubmatch(host); parts != nil {
			got = endpointOfECR(parts[1], parts[2], parts[3])
		}
		if got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestACR(t *testing.T) {
	for _, test := range []struct {
		name     string
		prepare  func(t *testing.T)
		metadata bool
		want     string // password, "" for none
		says     string
	}{
		{name: "service principal", want: "refresh of principal", prepare: func(t *testing.T) { t.Setenv("AZURE_CLIENT_SECRET", "hunter2") }},
		{name: "workload identity", want: "refresh of workload", prepare: func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(file, []byte("assertion\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("AZURE_FEDERATED_TOKEN_FILE", file)
		}},
		{name: "the machine's", metadata: true, want: "refresh of machine", prepare: func(*testing.T) {}},
		{name: "none", prepare: func(*testing.T) {}},
		{name: "wrong secret", prepare: func(t *testing.T) { t.Setenv("AZURE_CLIENT_SECRET", "swordfish") }, says: "invalid_client"},
		{name: "no file", prepare: func(t *testing.T) { t.Setenv("AZURE_FEDERATED_TOKEN_FILE", "/nonexistent") }, says: "AZURE_FEDERATED_TOKEN_FILE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := isolated(t)
			server := cloud(t, azure(test.metadata))
			t.Setenv("AZURE_AUTHORITY_HOST", server.URL+"/")
			t.Setenv("AZURE_TENANT_ID", "tenant")
			t.Setenv("AZURE_CLIENT_ID", "client")
			test.prepare(t)
			keys := newACR()
			keys.service = server.URL + "/metadata"
			keys.client.Transport = leadingTo(t, server)
			held, err := keys.find(t.Context(), sessionWith(t, client, "shop.azurecr.io"), "app")
			if held.password != test.want || (test.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("found %+v, %v", held, err)
			}
			if err != nil && strings.Contains(err.Error(), "swordfish") {
				t.Errorf("a secret shows: %v", err)
			}
		})
	}
}

// azure is Microsoft Entra, the metadata service and a registry at once.
func azure(metadata bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/tenant/oauth2/v2.0/token" && r.PostFormValue("client_secret") == "hunter2":
			fmt.Fprint(w, `{"access_token":"principal"}`)
		case r.URL.Path == "/tenant/oauth2/v2.0/token" && r.PostFormValue("client_assertion") == "assertion":
			fmt.Fprint(w, `{"access_token":"workload"}`)
		case r.URL.Path == "/metadata" && metadata && r.Header.Get("Metadata") == "true":
			fmt.Fprint(w, `{"access_token":"machine"}`)
		case r.URL.Path == "/oauth2/exchange" && r.PostFormValue("service") == "shop.azurecr.io":
			fmt.Fprintf(w, `{"refresh_token":"refresh of %s"}`, r.PostFormValue("access_token"))
		default:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"swordfish"}`)
		}
	}
}

// leadingTo sends everything to one server, whatever its name.
func leadingTo(t *testing.T, server *httptest.Server) http.RoundTripper {
	t.Helper()
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		there := req.Clone(req.Context())
		there.URL.Scheme, there.URL.Host = "http", server.Listener.Addr().String()
		return http.DefaultTransport.RoundTrip(there)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestGoogle(t *testing.T) {
	client := isolated(t)
	var asked atomic.Int64
	tokens := cloud(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"secret","expires_in":3600,"token_type":"Bearer"}`)
	})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "lab@example.com", "token_uri": tokens.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, account, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	for _, name := range []string{"gcr.io", "eu.gcr.io", "europe-docker.pkg.dev", "eu.gcr.io"} {
		held, err := client.keys.find(t.Context(), sessionWith(t, client, name), "app")
		if err != nil || held.username != "_token" || held.password != "secret" {
			t.Errorf("%s: %+v, %v", name, held, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times, want once", asked.Load())
	}
}

// Nobody's metadata service is asked for hosts that are not its own, and a
// silent one is not waited for.
func TestCloudsAreNotAskedForOthers(t *testing.T) {
	client := isolated(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	var asked atomic.Int64
	nobody := cloud(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", nobody.URL)
	t.Setenv("AWS_ENDPOINT_URL_ECR", nobody.URL)
	t.Setenv("GCE_METADATA_HOST", nobody.Listener.Addr().String())
	for _, name := range []string{"docker.io", "registry.example.com", "public.ecr.aws", "azurecr.io", "shop.azurecr.io.example.com",
		"gcr.io.example.com", "notgcr.io", "10.0.0.5:5000"} {
		if held, err := client.keys.find(t.Context(), sessionWith(t, client, name), "app"); err != nil || !held.none() {
			t.Errorf("%s: %+v, %v", name, held, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("asked %d times", asked.Load())
	}
	keys := newACR()
	keys.service, keys.metadata.Timeout = "http://"+silent.Addr().String(), 50*time.Millisecond
	if held, err := keys.find(context.Background(), sessionWith(t, client, "shop.azurecr.io"), "app"); err != nil || !held.none() {
		t.Errorf("silent metadata service: %+v, %v", held, err)
	}
}
