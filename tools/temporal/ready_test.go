package main

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
)

func TestStartCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out bytes.Buffer

	err := serve(ctx, options{
		inMemory: true, ip: loopback, port: chosenPort, namespace: "default", retention: shortestRetention, logLevel: "error",
	}, &out)

	if err != nil || out.Len() > 0 {
		t.Errorf("returned %v and announced %q, want neither", err, &out)
	}
}

func TestAnnouncedAddressesCanBeDialled(t *testing.T) {
	var out bytes.Buffer
	a := addresses{frontend: netip.MustParseAddrPort("0.0.0.0:7233"), ui: netip.MustParseAddrPort("[::]:8233")}

	if err := announce(&out, a, "tags"); err != nil {
		t.Fatal(err)
	}

	const want = `{"address":"127.0.0.1:7233","ui":"http://[::1]:8233","namespace":"tags","pid":`
	if !bytes.HasPrefix(out.Bytes(), []byte(want)) {
		t.Errorf("announced %s, want it to begin with %s", &out, want)
	}
}
