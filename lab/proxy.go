package lab

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Proxy is an HTTP proxy, for plain requests and for tunnels, that remembers
// which hosts were requested through it.
type Proxy struct {
	*Server
	mu       sync.Mutex
	hosts    []string
	user     string // whom it serves; empty for everybody
	password string
}

// NewProxy starts a proxy.
func NewProxy() (*Proxy, error) {
	p := &Proxy{}
	var err error
	p.Server, err = Serve(http.HandlerFunc(p.pass))
	return p, err
}

// Demand has the proxy serve only who names this user and password.
func (p *Proxy) Demand(user, password string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user, p.password = user, password
}

// serves reports whether a request comes from whom the proxy serves.
func (p *Proxy) serves(r *http.Request) bool {
	asked := http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	user, password, _ := asked.BasicAuth()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.user == "" || user == p.user && password == p.password
}

// Hosts are those that were requested, each request and each tunnel once.
func (p *Proxy) Hosts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.hosts...)
}

func (p *Proxy) pass(w http.ResponseWriter, r *http.Request) {
	if !p.serves(r) {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	p.mu.Lock()
	p.hosts = append(p.hosts, r.Host)
	p.mu.Unlock()
	r.Header.Del("Proxy-Authorization")
	if r.Method == http.MethodConnect {
		tunnel(w, r.Host)
		return
	}
	r.RequestURI = ""
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // who left does not matter
}

// tunnel connects both sides until one of them ends.
func tunnel(w http.ResponseWriter, host string) {
	far, err := net.DialTimeout("tcp", host, 10*time.Second)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer far.Close()
	w.WriteHeader(http.StatusOK)
	near, read, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	ended := make(chan struct{}, 2)
	carry := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from)
		ended <- struct{}{}
	}
	go carry(near, far)
	go carry(far, read) // the server may have read the beginning already
	<-ended
}
