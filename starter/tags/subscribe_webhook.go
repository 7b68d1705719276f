package tags

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/operations"
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
	made := webhookEndpoint(address)
	options.Endpoints = []string{made.Name}
	_, err = operations.SaveEndpoint.Run(ctx, s.System(), operations.EndpointChange{EndpointSettings: made})
	if errors.Is(err, errkind.Conflict) { // it is there
		return abandon, nil
	}
	abandon = func(ctx context.Context) {
		_, _ = operations.RemoveEndpoint.Run(ctx, s.System(), operations.EndpointRemoval{EndpointRequest: operations.EndpointRequest{Name: made.Name}})
	}
	return abandon, err
}

// webhookEndpoint is the endpoint of a URL that was given without a name. Its
// name does not show the URL, which may be a secret.
func webhookEndpoint(address string) operations.EndpointSettings {
	sum := sha256.Sum256([]byte(address))
	return operations.EndpointSettings{Name: "webhook-" + hex.EncodeToString(sum[:6]), URL: address, ExplicitOnly: true}
}
