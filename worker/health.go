package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// healthTimeout is longer than a worker takes to find out that it is not
// ready.
const healthTimeout = 8 * time.Second

// healthCommand is the health check of a container that holds nothing but this
// program.
func healthCommand() *cli.Command {
	return &cli.Command{
		Name:  "health",
		Usage: "ask the worker on this machine whether it is ready",
		Description: "Asks the worker that listens at --listen (TAGWATCH_LISTEN). Exits 0 if it is ready, 1 if not.\n\n" +
			"In a container:\n\n   HEALTHCHECK CMD [\"tagwatch-worker\", \"health\"]",
		Action: func(c *cli.Context) error { return askReady(c.Context, c.String("listen")) },
	}
}

// askReady returns nil when the worker that listens at that address is ready,
// else the reason.
func askReady(ctx context.Context, listen string) error {
	address, err := dialable(listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask the worker at %s: %w", address, err)
	}
	// A transport of its own knows no proxy: the worker is on this machine.
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
	if err != nil {
		return fmt.Errorf("no worker answers: %w", err)
	}
	defer response.Body.Close()
	reason, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if response.StatusCode == http.StatusOK {
		return err
	}
	return errors.Join(fmt.Errorf("the worker at %s is not ready: %s", address, strings.TrimSpace(string(reason))), err)
}

// dialable turns an address to listen at into one to connect to: a worker that
// listens at all addresses is asked at loopback.
func dialable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("address %q (--listen, TAGWATCH_LISTEN) is no host:port: %w", listen, err)
	}
	switch ip := net.ParseIP(host); {
	case host == "" || ip.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case ip.Equal(net.IPv6zero):
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}
