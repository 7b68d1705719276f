// Package controlplane runs the control plane of a Kubernetes cluster for tests: etcd,
// kube-apiserver and kube-controller-manager, as processes on the loopback interface. RunNode
// adds a node that runs pods; without one, RunPods reports of pods what a node would.
package controlplane

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/lab"
)

// Variable names the folder of the programs.
const Variable = "TAGWATCH_TEST_KUBERNETES"

// controllers are those that make pods, clean up after what is deleted, and lead services to pods.
const controllers = "deployment-controller,replicaset-controller,statefulset-controller,job-controller," +
	"garbage-collector-controller,namespace-controller,serviceaccount-controller," +
	"node-lifecycle-controller,endpointslice-controller,disruption-controller"

// startTimeout bounds the start of one program.
const startTimeout = 3 * time.Minute

// Cluster is a control plane. Its methods fail the test that started it.
type Cluster struct {
	testing.TB
	folder    string
	authority *lab.Authority
	token     string // of a user who may do everything
	host      string // of the API server
	store     string // URL of etcd
	client    *http.Client

	etcd, server, manager *program
	node                  []*program
}

// Start starts a control plane without objects, until the test ends. It skips the test if
// there are no programs for it.
func Start(t testing.TB) *Cluster {
	t.Helper()
	programs := os.Getenv(Variable)
	if programs == "" {
		t.Skip(Variable + " names no folder of programs; make test-kubernetes does")
	}
	c := &Cluster{TB: t, folder: t.TempDir(), token: rand.Text()}
	var err error
	c.authority, err = lab.NewAuthority()
	c.must(err)
	c.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: c.authority.Pool()}}}
	ports := c.freePorts(3)
	c.host, c.store = ports[0], "http://"+ports[1]
	c.etcd = c.program("etcd", "--data-dir="+c.data(), "--listen-client-urls="+c.store, "--advertise-client-urls="+c.store,
		"--listen-peer-urls=http://"+ports[2], "--initial-advertise-peer-urls=http://"+ports[2], "--initial-cluster=default=http://"+ports[2])
	c.server = c.program(filepath.Join(programs, "kube-apiserver"), c.serverArguments()...)
	c.manager = c.program(filepath.Join(programs, "kube-controller-manager"), "--kubeconfig="+c.File("admin.kubeconfig", c.Kubeconfig(c.host, c.token)),
		"--controllers="+controllers, "--leader-elect=false", "--secure-port=0")
	t.Cleanup(c.Stop)
	c.Run()
	return c
}

func (c *Cluster) serverArguments() []string {
	certificate, key, err := c.authority.Write(c.folder, "server")
	c.must(err)
	_, issuer, err := c.authority.Write(c.folder, "issuer")
	c.must(err)
	_, port, err := net.SplitHostPort(c.host)
	c.must(err)
	return []string{"--etcd-servers=" + c.store, "--bind-address=127.0.0.1", "--secure-port=" + port, "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + certificate, "--tls-private-key-file=" + key, "--cert-dir=" + c.folder,
		"--authorization-mode=RBAC", "--token-auth-file=" + c.File("tokens", c.token+",admin,admin,system:masters\n"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + issuer, "--service-account-signing-key-file=" + issuer,
		"--service-cluster-ip-range=10.0.0.0/24", "--kubelet-preferred-address-types=InternalIP"}
}

// File writes a file into the folder of the cluster and returns its path.
func (c *Cluster) File(name, content string) string {
	c.Helper()
	path := filepath.Join(c.folder, name)
	c.must(os.WriteFile(path, []byte(content), 0o600))
	return path
}

// Kubeconfig is the content of a file that leads to the API server at a host, which is its
// own or that of a link to it, with a token.
func (c *Cluster) Kubeconfig(host, token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: reader}}]
clusters: [{name: lab, cluster: {server: "https://%s", certificate-authority-data: %s}}]
users: [{name: reader, user: {token: %s}}]
`, host, base64.StdEncoding.EncodeToString(c.authority.PEM()), token)
}

// Host is the address of the API server.
func (c *Cluster) Host() string { return c.host }

// Admin is the path of a kubeconfig file of a user who may do everything.
func (c *Cluster) Admin() string { return filepath.Join(c.folder, "admin.kubeconfig") }

// Run starts what does not run, and waits until the API server is ready.
func (c *Cluster) Run() {
	c.Helper()
	c.etcd.start(c)
	c.await(c.etcd, c.store+"/health", "")
	c.server.start(c)
	c.await(c.server, "https://"+c.host+"/readyz", c.token)
	c.manager.start(c)
}

// Stop kills everything.
func (c *Cluster) Stop() {
	for _, p := range []*program{c.manager, c.server, c.etcd} {
		p.kill()
	}
}

// KillServer kills the API server.
func (c *Cluster) KillServer() { c.server.kill() }

// await waits until a program answers.
func (c *Cluster) await(p *program, address, token string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), startTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		c.must(err)
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		if response, err := c.client.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-p.ended:
			c.Fatalf("%s ended:\n%s", p.name, p.tail())
		case <-ctx.Done():
			c.Fatalf("%s does not answer:\n%s", p.name, p.tail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Until waits for a state of the cluster.
func (c *Cluster) Until(what string, reached func() bool) {
	c.Helper()
	for deadline := time.Now().Add(startTimeout); !reached(); {
		if time.Now().After(deadline) {
			c.Fatalf("%s: not reached; the programs say:\n%s", what, c.tails())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tails are the ends of what the controllers and the node printed.
func (c *Cluster) tails() (text string) {
	for _, p := range append([]*program{c.manager}, c.node...) {
		text += p.name + ":\n" + p.tail() + "\n"
	}
	return text
}

func (c *Cluster) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *Cluster) freePorts(n int) (addresses []string) {
	c.Helper()
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		c.must(err)
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "etcd") }

func (c *Cluster) program(path string, arguments ...string) *program {
	name := filepath.Base(path)
	return &program{name: name, path: path, arguments: arguments, log: filepath.Join(c.folder, name+".log")}
}

// lines are the last ones of a text.
func lines(text string, count int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-count):], "\n")
}
