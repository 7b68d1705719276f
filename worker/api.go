package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/adapters/issuer"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/api"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

// serveAPI serves the HTTP API until the context ends; at once if it is not to be served.
func serveAPI(ctx context.Context, settings config.Config, keeper *store.Store, reaching client.Client, watching *meters, now func() time.Time, logger *slog.Logger) error {
	w := settings.Worker
	if w.APIListen == "" || !w.Serves("api") {
		return nil
	}
	trusted, rules, err := oidc(w, now)
	if err != nil {
		return err
	}
	served, err := api.New(api.Options{Issuer: trusted, Rules: rules, Tokens: keeper, Keys: keeper, News: keeper, Version: version, Now: now, Log: logger, Observe: func(status int) { watching.apiRequests.WithLabelValues(strconv.Itoa(status)).Inc() },
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

// oidc is the issuer whose tokens are accepted, and what they allow; nil for none.
func oidc(w config.Worker, now func() time.Time) (api.Issuer, []token.Rule, error) {
	if w.OIDCIssuer == "" {
		return nil, nil, nil
	}
	var rules []token.Rule
	for _, text := range w.OIDCScopes {
		rule, err := token.ParseRule(text)
		if err != nil {
			return nil, nil, fmt.Errorf("--api-oidc-scope (TAGWATCH_API_OIDC_SCOPES): %w", err)
		}
		rules = append(rules, rule)
	}
	trusted, err := issuer.New(issuer.Options{Issuer: w.OIDCIssuer, Audience: w.OIDCAudience, Now: now})
	return trusted, rules, err
}
