package client_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/tagwatch/tagwatch/client"
)

// A key and an address with a line break, as a secret made of a file has one,
// reach a server all the same.
func TestClientOptionsWithLineBreaks(t *testing.T) {
	address, keys := listen(t)
	t.Setenv("TEMPORAL_ADDRESS", address+"\n")
	t.Setenv("TEMPORAL_NAMESPACE", "tags\r\n")
	t.Setenv("TEMPORAL_API_KEY", "key-1\n")
	t.Setenv("TEMPORAL_TLS", "false")
	options, err := client.Options()
	if err != nil {
		t.Fatal(err)
	}
	if options.HostPort != address || options.Namespace != "tags" {
		t.Errorf("address %q, namespace %q", options.HostPort, options.Namespace)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := sdk.DialContext(ctx, options); err == nil {
		t.Error("the server let everybody in")
	}
	select {
	case got := <-keys:
		if !slices.Equal(got, []string{"Bearer key-1"}) {
			t.Errorf("authorization %q", got)
		}
	default:
		t.Error("the server was not asked")
	}
}

// listen serves a Temporal that refuses everybody and reports what they showed.
func listen(t *testing.T) (address string, keys <-chan []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shown := make(chan []string, 100)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		sent, _ := metadata.FromIncomingContext(stream.Context())
		shown <- sent.Get("authorization")
		return grpcstatus.Error(codes.PermissionDenied, "nobody is let in")
	}))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String(), shown
}
