package webhook_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// newMessage is what the tests send.
func newMessage() message.Post {
	return message.Post{
		ID:      "6c0e4f0c-9d0b-4f44-9a3b-0f0f2d3f6a10",
		Body:    message.Body{Content: []byte(`{"hello": "world"}`), ContentType: "application/json"},
		At:      time.Now(),
		Account: "admin",
		Type:    notification.TagUpdate,
	}
}

// newSender closes its connections before the receivers that were started
// earlier: a receiver waits for them when it stops.
func newSender(t *testing.T, options webhook.Options) *webhook.Sender {
	t.Helper()
	sender, err := webhook.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	return sender
}

// receiver keeps the requests that reach it.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, request)
		r.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) received() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// secretsOf answers references from a map.
func secretsOf(values map[endpoint.SecretRef]string) func(endpoint.SecretRef) (string, error) {
	return func(ref endpoint.SecretRef) (string, error) {
		if value, found := values[ref]; found {
			return value, nil
		}
		return webhook.ReadSecret("env:TAGWATCH_TEST_NEVER_SET")
	}
}

// names is a name server on loopback: each question for a name takes the next of
// its answers, the last for ever. A name without answers does not exist.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
}

// resolver asks the name server and nobody else.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go n.serve(socket)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

func (n *names) serve(socket net.PacketConn) {
	buffer := make([]byte, 512)
	for {
		size, client, err := socket.ReadFrom(buffer)
		if err != nil {
			return // closed
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:size]) != nil || len(query.Questions) != 1 {
			continue
		}
		if reply, err := n.reply(query); err == nil {
			_, _ = socket.WriteTo(reply, client) // a client that left does not matter
		}
	}
}

func (n *names) reply(query dnsmessage.Message) ([]byte, error) {
	question := query.Questions[0]
	addresses, found := n.next(question)
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true}, Questions: query.Questions}
	if !found {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, address := range addresses {
		reply.Answers = append(reply.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class},
			Body:   &dnsmessage.AResource{A: address.As4()},
		})
	}
	return reply.Pack()
}

// next takes an answer; only questions for IPv4 addresses use one up.
func (n *names) next(question dnsmessage.Question) ([]netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := question.Name.String()
	answers, found := n.answers[name]
	if !found || question.Type != dnsmessage.TypeA {
		return nil, found
	}
	if len(answers) > 1 {
		n.answers[name] = answers[1:]
	}
	return answers[0], true
}

// authority is a private certificate authority.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T, path string) authority {
	t.Helper()
	a := authority{file: path}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, key := sign(t, template, template, nil)
	a.key = key
	a.certificate, _ = x509.ParseCertificate(der)
	writePEM(t, path, "CERTIFICATE", der)
	return a
}

// issue writes a certificate and its key, for client and server.
func (a authority) issue(t *testing.T, folder, name string) (certFile, keyFile string) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, key := sign(t, template, a.certificate, a.key)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", encoded)
	return certFile, keyFile
}

// sign makes a key and its certificate; without a signer it signs itself.
func sign(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
