package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// TestEndpoint sends a sample notification, built and sent like a real one but
// stored nowhere.
func (a *Activities) TestEndpoint(ctx context.Context, request delivery.TestRequest) (delivery.TestResult, error) {
	endpoint, err := a.Store.Endpoint(ctx, request.Endpoint)
	if err != nil {
		return delivery.TestResult{}, classify(err)
	}
	t, err := sampleType(endpoint, request.Type)
	if err != nil {
		return delivery.TestResult{}, classify(err)
	}
	post, err := a.sample(endpoint, t)
	if err != nil {
		return delivery.TestResult{}, classify(err)
	}
	answer := a.Sender.Send(ctx, endpoint, post)
	return delivery.TestResult{Type: t, Verdict: delivery.Judge(answer.Status), Status: answer.Status,
		Duration: answer.Duration, Answer: answer.String()}, nil
}

// sampleType is the requested type, or the first that the endpoint
// receives.
func sampleType(endpoint endpoint.Endpoint, asked notification.Type) (notification.Type, error) {
	if asked == "" {
		return notification.Types[slices.IndexFunc(notification.Types, endpoint.Receives)], nil
	}
	if !endpoint.Receives(asked) {
		return "", fmt.Errorf("endpoint %s does not receive %s: %w", endpoint.Name, asked, errkind.Invalid)
	}
	return asked, nil
}

func (a *Activities) sample(endpoint endpoint.Endpoint, t notification.Type) (message.Post, error) {
	now := a.now()
	n, err := notification.Sample(t, uuid.NewString(), a.Account.Name, now)
	if err != nil {
		return message.Post{}, err
	}
	d := delivery.Delivery{Notification: n.ID, Endpoint: endpoint.Name, Created: now, NextTry: now, Deadline: now.Add(a.Window)}
	body, err := message.Render(endpoint.Form(), n, d, a.Account)
	return message.Post{ID: n.ID, Body: body, At: now, Account: a.Account.Name, Type: t}, err
}
