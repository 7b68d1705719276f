package tags

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
)

// addWebhook has the options name an endpoint for the URL of --webhook, which it makes
// unless there is one. The function that it returns removes
// what it made, for when nobody subscribed after all.
func addWebhook(ctx context.Context, s *session.Session, options *subscription.Options) (abandon func(context.Context), err error) {
	abandon = func(context.Context) {}
	address := s.String("webhook")
	if address == "" {
		return abandon, nil
	}
	endpoint := webhookEndpoint(address)
	if err := endpoint.Validate(); err != nil {
		return abandon, exit.Unable(err)
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return abandon, err
	}
	options.Endpoints = []string{endpoint.Name}
	if _, err := kept.Endpoint(ctx, endpoint.Name); !errors.Is(err, errkind.NotFound) {
		return abandon, err
	}
	abandon = func(ctx context.Context) { _ = kept.DeleteEndpoint(ctx, endpoint.Name, s.Now) }
	return abandon, kept.SaveEndpoint(ctx, endpoint, s.Now)
}

// webhookEndpoint is the endpoint of a URL that was given without a name. Its
// name does not show the URL, which may be a secret.
func webhookEndpoint(address string) endpoint.Endpoint {
	sum := sha256.Sum256([]byte(address))
	return endpoint.Endpoint{Name: "webhook-" + hex.EncodeToString(sum[:6]), URL: address, ExplicitOnly: true}
}
