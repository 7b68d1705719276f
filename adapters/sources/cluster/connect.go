// Package cluster reads the workloads of a Kubernetes cluster, and what their pods run.
// Of client-go it uses what leads to an API server: kubeconfig files, certificates and
// tokens. Requests and answers are its own, so that each answer has a limit, and only the
// few fields that are needed are read.
package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Access says how to reach an API server.
type Access struct {
	// Kubeconfig is the content of such a file; nil for the cluster of the worker's pod.
	Kubeconfig []byte
	// Context is that of the file; empty for its current one.
	Context string
	// ReadFile reads the files that a kubeconfig names.
	ReadFile func(path string) ([]byte, error)
	// Dial opens connections.
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	UserAgent string
}

// Client asks one API server. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	http      *http.Client
	transport *http.Transport
}

// headerTimeout is how long an API server may take to begin an answer.
const headerTimeout = time.Minute

// Connect makes a Client. It sends nothing.
func Connect(access Access) (*Client, error) {
	config, err := access.config()
	if err != nil {
		return nil, err
	}
	config.UserAgent = access.UserAgent
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("read the address of the API server: %w: %w", errkind.Invalid, err)
	}
	if base.Scheme != "https" && config.BearerToken+config.BearerTokenFile+config.Password != "" {
		return nil, fmt.Errorf("the API server at %s is to be asked by plain HTTP, which would show its token to everybody on the way; use https: %w", base.Host, errkind.Invalid)
	}
	certificates, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of the API server at %s: %w: %w", base.Host, errkind.Invalid, err)
	}
	transport := &http.Transport{DialContext: access.Dial, Proxy: http.ProxyFromEnvironment, TLSClientConfig: certificates, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: headerTimeout, ResponseHeaderTimeout: headerTimeout, IdleConnTimeout: headerTimeout,
		HTTP2: &http.HTTP2Config{SendPingTimeout: headerTimeout / 2}} // a server that is gone without a word
	if config.Proxy != nil {
		transport.Proxy = config.Proxy
	}
	authorized, err := rest.HTTPWrappersForConfig(config, transport)
	if err != nil {
		return nil, fmt.Errorf("read the credentials for the API server at %s: %w: %w", base.Host, errkind.Invalid, err)
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: base, transport: transport, http: &http.Client{Transport: authorized, CheckRedirect: refuse}}, nil
}

// Close gives up the connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

func (a Access) config() (*rest.Config, error) {
	if a.Kubeconfig == nil {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("the worker does not run in a cluster, or its pod has no token of a service account: %w: %w", errkind.Invalid, err)
		}
		return config, nil
	}
	file, err := clientcmd.Load(a.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig file cannot be read: %w: %w", errkind.Invalid, err)
	}
	if err := a.complete(file); err != nil {
		return nil, err
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*file, a.Context, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig file cannot be used: %w: %w", errkind.Invalid, err)
	}
	return config, nil
}

// complete reads the files that the chosen context names, and refuses credentials that
// are made by a program: who writes the file is not always who runs the worker.
func (a Access) complete(file *api.Config) error {
	name := file.CurrentContext
	if a.Context != "" {
		name = a.Context
	}
	chosen := file.Contexts[name]
	if chosen == nil {
		return fmt.Errorf("the kubeconfig file has no context %q: %w", name, errkind.Invalid)
	}
	if server := file.Clusters[chosen.Cluster]; server != nil {
		if err := a.inline(&server.CertificateAuthority, &server.CertificateAuthorityData); err != nil {
			return err
		}
	}
	user := file.AuthInfos[chosen.AuthInfo]
	if user == nil {
		return nil
	}
	if user.Exec != nil || user.AuthProvider != nil {
		return fmt.Errorf("user %q of the kubeconfig file has credentials that a program makes, and a worker runs none; use the token of a service account: %w", chosen.AuthInfo, errkind.Unauthorized)
	}
	token := []byte(user.Token)
	if err := a.inline(&user.TokenFile, &token); err != nil {
		return err
	}
	user.Token = strings.TrimSpace(string(token))
	if err := a.inline(&user.ClientCertificate, &user.ClientCertificateData); err != nil {
		return err
	}
	return a.inline(&user.ClientKey, &user.ClientKeyData)
}

// inline puts the content of a file in place of its name.
func (a Access) inline(file *string, content *[]byte) error {
	if *file == "" || len(*content) > 0 {
		*file = ""
		return nil
	}
	read, err := a.ReadFile(*file)
	if err != nil {
		return err
	}
	*file, *content = "", read
	return nil
}
