package main

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/operations"
)

// serveAPI serves the HTTP API until the context ends; at once if it is not to be served.
func serveAPI(ctx context.Context, settings config.Config, keeper *store.Store, reaching client.Client, watching *meters, now func() time.Time, logger *slog.Logger) error {
	w := settings.Worker
	if w.APIListen == "" || !w.Serves("api") {
		return nil
	}
	served, err := api.New(api.Options{Tokens: keeper, Keys: keeper, News: keeper, Version: version, Now: now, Log: logger, Observe: func(status int) { watching.apiRequests.WithLabelValues(strconv.Itoa(status)).Inc() },
		System: operations.System{Account: settings.Account,
			Store: func(context.Context) (*store.Store, error) { return keeper, nil },
			Ask: func(ctx context.Context, _ string, limit time.Duration, request func(context.Context, client.Client) error) error {
				return client.Within(ctx, limit, func(ctx context.Context) error { return request(ctx, reaching) })
			}}})
	if err != nil {
		return err
	}
	listener, err := door{address: w.APIListen, certFile: w.APICertFile, keyFile: w.APIKeyFile, option: "--api-listen", variable: "TAGWATCH_API_LISTEN", prefix: "api",
		open: "the API is served, and tokens are sent,"}.listen(ctx, logger)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "API served", "address", listener.Addr().String(), "tls", w.APICertFile != "")
	return httpserver.Serve(ctx, listener, httpserver.ThisMachine(served, w.APIListen, api.RefuseHost))
}
