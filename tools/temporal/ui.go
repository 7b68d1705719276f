package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// startUI serves the Web UI beside the frontend and returns once it answers, with the function that stops it.
func startUI(ctx context.Context, a addresses, namespace string) (stop func(), err error) {
	ui := server.NewServer(server_options.WithConfigProvider(uiConfig(a, namespace)))
	go ui.Start() // ends the process if it cannot listen; the port was checked before
	err = await(ctx, "the Web UI", func(ctx context.Context) error { return healthy(ctx, a.ui) })
	if err != nil {
		ui.Stop()
		return nil, err
	}
	return ui.Stop, nil
}

// uiConfig keeps the UI to this machine: its assets are in the binary, it looks for no news and no releases, and only its own pages
// may call its API (no CORS origins). Plain HTTP cannot carry secure cookies. A codec server is the user's to set in the browser.
func uiConfig(a addresses, namespace string) *config.Config {
	return &config.Config{
		TemporalGRPCAddress: reachable(a.frontend).String(),
		Host:                uiHost(a.ui.Addr()),
		Port:                int(a.ui.Port()),
		EnableUI:            true,
		DefaultNamespace:    namespace,
		DisableNewsFetch:    true,
		NotifyOnNewVersion:  false,
		HideLogs:            true,
		CORS:                config.CORS{CookieInsecure: true},
	}
}

// uiHost brackets IPv6, since the UI server joins host and port by itself.
func uiHost(ip netip.Addr) string {
	if ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return ip.String()
}

func healthy(ctx context.Context, ui netip.AddrPort) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(ui).String()+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health is %s", response.Status)
	}
	return nil
}
