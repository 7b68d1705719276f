package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/api"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/headers"
	"github.com/temporalio/ui-server/v2/server/route"
	"github.com/temporalio/ui-server/v2/ui"
	"golang.org/x/net/netutil"
)

// mostConnections bounds those to the Web UI; a browser opens about six.
const mostConnections = 256

// startUI serves the Web UI beside the frontend and returns once it responds, with the function that stops it.
func startUI(ctx context.Context, a addresses, namespace string) (stop func(), err error) {
	pages, err := uiPages(a, namespace)
	if err != nil {
		return nil, fmt.Errorf("build the Web UI: %w", err)
	}
	listener, err := net.Listen("tcp", a.ui.String())
	if err != nil {
		return nil, fmt.Errorf("listen for the Web UI: %w", err)
	}
	server := &http.Server{Handler: guarded(pages), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 90 * time.Second, // the API waits for events for up to a minute
		IdleTimeout:  time.Minute, MaxHeaderBytes: 64 << 10}
	go server.Serve(netutil.LimitListener(listener, mostConnections)) // until it is closed
	stop = func() { server.Close() }
	if err := await(ctx, "the Web UI", func(ctx context.Context) error { return healthy(ctx, a.ui) }); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// uiPages are those of the UI server's own NewServer, without its listener, which accepts every Host, and without sign-in and origins of
// other sites, which are not configured.
func uiPages(a addresses, namespace string) (http.Handler, error) {
	provider, err := config.NewConfigProviderWithRefresh(uiConfig(a, namespace))
	if err != nil {
		return nil, err
	}
	assets, err := ui.Assets()
	if err != nil {
		return nil, err
	}
	if assets, err = fs.Sub(assets, "local"); err != nil {
		return nil, err
	}
	const secureCookies = false // plain HTTP cannot carry them
	e := echo.New()
	e.Use(middleware.Recover(), middleware.Gzip(), middleware.Secure(),
		csrf.EnsureTokenCookie(secureCookies), middleware.CSRFWithConfig(csrf.MiddlewareConfig(provider, secureCookies)))
	route.SetHealthRoute(e)
	forwarded := headers.WithForwardHeaders([]string{"Caller-Type"})
	route.SetRenderRoute(e, "/")
	return e, errors.Join(route.SetAPIRoutes(e, provider, []api.Middleware{forwarded}), route.SetUIRoutes(e, "", assets, provider))
}

// uiConfig confines the UI to this machine: its assets are in the binary, it does not fetch news or releases, and only its own pages may
// call its API (no CORS origins). Users can set a codec server in the browser.
func uiConfig(a addresses, namespace string) *config.Config {
	return &config.Config{
		TemporalGRPCAddress: reachable(a.frontend).String(),
		Host:                a.ui.Addr().String(),
		Port:                int(a.ui.Port()),
		EnableUI:            true,
		DefaultNamespace:    namespace,
		DisableNewsFetch:    true,
		NotifyOnNewVersion:  false,
		HideLogs:            true,
		CORS:                config.CORS{CookieInsecure: true},
	}
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
