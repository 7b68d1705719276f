package e2e_test

import (
	"net"
	"strings"
	"testing"
)

// TestUpBesideAnother starts a second installation whose worker cannot have its
// address, because it is that of the first: it must not call itself up because
// the first one answers there.
func TestUpBesideAnother(t *testing.T) {
	t.Parallel()
	i := bring(t)
	port := made(net.Listen("tcp", "127.0.0.1:0"))(t)
	_, free, err := net.SplitHostPort(port.Addr().String())
	must(t, err)
	must(t, port.Close())
	answer := made(i.Run(t.Context(), "up", "--data-dir", t.TempDir(), "--port", free, "--ui-port", "0", "--listen", i.Listen()))(t)
	if answer.Code != 2 || strings.Contains(answer.Err, "Tagwatch is up") ||
		strings.Count(answer.Err, "--listen: address already in use") != 1 {
		t.Errorf("exit code %d:\n%s", answer.Code, answer.Err)
	}
}
