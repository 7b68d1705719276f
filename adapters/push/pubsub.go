package push

// parsePubSub reads a message of Artifact Registry that Pub/Sub pushes, in
// Pub/Sub's envelope or, where payloads are set to be unwrapped, without it.
//
// Specifications: https://cloud.google.com/artifact-registry/docs/configure-notifications
// and https://cloud.google.com/pubsub/docs/push
func parsePubSub(body []byte) ([]mention, error) {
	var envelope struct {
		Message *struct{ Data []byte }
	}
	if err := decode(body, &envelope); err != nil {
		return nil, err
	}
	if envelope.Message != nil {
		body = envelope.Message.Data
	}
	var message struct{ Action, Digest, Tag string }
	if err := decode(body, &message); err != nil {
		return nil, err
	}
	switch {
	case message.Action == "":
		return nil, errOtherKind("action")
	case message.Tag != "":
		return []mention{mentioned(message.Tag)}, nil
	case message.Action == "DELETE" && message.Digest != "":
		return []mention{mentioned(message.Digest)}, nil
	}
	return nil, nil // an image without a tag
}
