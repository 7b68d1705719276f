package anchore

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/operations"
)

// body reads the body of a request.
func (c *call) body(into any) error {
	err := json.NewDecoder(c.r.Body).Decode(into)
	wrong, isWrong := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return invalid("the body is empty: expected a JSON object")
	case isWrong && wrong.Field != "":
		return invalid(wrong.Field + " is not what is expected: expected " + jsonType(wrong.Type))
	case isWrong:
		return invalid("the body is not what is expected: expected a JSON object")
	}
	return invalid("the body is not valid JSON")
}

// jsonType is what JSON has for a type.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "an object"
}

// analysisRequest is what clients send to have an image analyzed, in either form.
type analysisRequest struct {
	Tag         string         `json:"tag"`
	Digest      string         `json:"digest"`
	Dockerfile  string         `json:"dockerfile"`
	Annotations map[string]any `json:"annotations"`
	Source      *struct {
		Tag    *pulled         `json:"tag"`
		Digest *pulled         `json:"digest"`
		Other  json.RawMessage `json:"archive"`
		Import json.RawMessage `json:"import"`
	} `json:"source"`
}

type pulled struct {
	Pull       string `json:"pullstring"`
	Tag        string `json:"tag"`
	Dockerfile string `json:"dockerfile"`
}

// tag is the tag that is asked for, with a digest behind it if one is asked for, and the
// Dockerfile.
func (a analysisRequest) tag() (ref, dockerfile string, err error) {
	tag, pull, encoded := a.Tag, a.Digest, a.Dockerfile
	if a.Source != nil {
		switch {
		case a.Source.Tag != nil:
			tag, encoded = a.Source.Tag.Pull, a.Source.Tag.Dockerfile
		case a.Source.Digest != nil:
			tag, pull, encoded = a.Source.Digest.Tag, a.Source.Digest.Pull, a.Source.Digest.Dockerfile
		default:
			f := instead("images are analyzed from their registry only; push the image and add its tag")
			return "", "", &f
		}
	}
	if len(a.Annotations) > 0 {
		f := instead("subscriptions have labels; use: tagwatch subscribe --label")
		return "", "", &f
	}
	if tag == "" {
		return "", "", invalid("the body names no tag")
	}
	if _, digest, found := strings.Cut(pull, "@"); found {
		tag += "@" + digest
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", invalid("dockerfile is not encoded in base64")
	}
	return tag, string(text), nil
}

// addImage watches a tag. Anchore subscribes the types that it is to be analyzed by, and
// with autosubscribe those that follow the tag.
func addImage(c *call) (any, error) {
	var request analysisRequest
	if err := c.body(&request); err != nil {
		return nil, err
	}
	tag, dockerfile, err := request.tag()
	if err != nil {
		return nil, err
	}
	named, err := operations.NameTag.Run(c, c.system, operations.TagRequest{Ref: tag})
	if err != nil {
		return nil, err
	}
	if named.Watched {
		return c.addAgain(named.Target, tag, dockerfile)
	}
	asked := operations.SubscribeRequest{Tags: []string{tag}, Types: []notification.Type{notification.AnalysisUpdate}, Options: subscription.Options{Dockerfile: dockerfile}}
	if c.flag("autosubscribe", true) {
		asked.Types = append(asked.Types, notification.TagUpdate)
	}
	subscribed, err := c.subscribe(asked)
	if err != nil {
		return nil, err
	}
	return c.recorded(subscribed)
}

// addAgain leaves the subscriptions of a tag as they are, but for its Dockerfile; force
// analyzes it again. A digest that it does not point to is not answered with another image.
func (c *call) addAgain(target image.Target, tag, dockerfile string) (any, error) {
	if dockerfile != "" {
		if err := c.giveDockerfile(target, dockerfile); err != nil {
			return nil, err
		}
	}
	known, err := operations.ShowTag.Run(c, c.system, operations.OfTag(target))
	if err != nil {
		return nil, err
	}
	_, pin, err := image.ParsePinned(tag)
	if err != nil {
		return nil, err
	}
	elsewhere := pin != "" && pin != known.Digest && pin != known.Index
	if elsewhere || c.flag("force", false) {
		rescans, err := operations.Rescan.Run(c, c.system, operations.RescanRequest{Tags: []string{target.String()}})
		if err != nil {
			return nil, err
		}
		if refused := rescans.Results[0].Refused; refused != nil {
			return nil, refused.Err()
		}
	}
	if elsewhere {
		return nil, &Fault{Status: http.StatusConflict, Kind: "Conflict", Text: target.String() + " was last seen to point to " + string(known.Digest) + ", not to " + string(pin) + "; it is checked again now",
			Hint: "repeat this in a moment"}
	}
	return c.imagesOfTag(target.String())
}

// giveDockerfile has the subscriptions of a watched tag bring another Dockerfile.
func (c *call) giveDockerfile(target image.Target, dockerfile string) error {
	within := operations.Places{Repository: target.Reference.Repository.String()}
	subs, err := operations.All(func(page operations.Page) ([]operations.Subscription, string, error) {
		list, err := operations.ListSubscriptions.Run(c, c.system, operations.SubscriptionsRequest{Places: within, Page: page})
		return list.Subscriptions, list.Next, err
	})
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if sub.Target != target || sub.Options.Dockerfile == dockerfile {
			continue
		}
		tag, options := target.Pinned(sub.Options.Pin), sub.Options
		options.Dockerfile, options.Pin = dockerfile, "" // the pin is in the name
		if _, err := c.subscribe(operations.SubscribeRequest{Tags: []string{tag}, Types: []notification.Type{sub.Type}, Options: options, Unverified: true}); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) subscribe(request operations.SubscribeRequest) (operations.SubscribedTag, error) {
	done, err := operations.Subscribe.Run(c, c.system, request)
	if err != nil {
		return operations.SubscribedTag{}, err
	}
	if refused := done.Results[0].Refused; refused != nil {
		return operations.SubscribedTag{}, refused.Err()
	}
	return done.Results[0].SubscribedTag, nil
}

const (
	// recordTimeout is how long an added image may take to be recorded, after which
	// clients can ask for it by its digest.
	recordTimeout = 10 * time.Second
	recordPause   = 200 * time.Millisecond
)

// recorded waits until a new tag has its image: clients ask for it at once.
func (c *call) recorded(added operations.SubscribedTag) (any, error) {
	for deadline := time.Now().Add(recordTimeout); time.Now().Before(deadline); {
		tag, err := operations.ShowTag.Run(c, c.system, operations.OfTag(added.Target))
		if err != nil {
			return nil, err
		}
		if tag.Digest != "" {
			return c.imagesOfTag(added.Target.String())
		}
		select {
		case <-c.Done():
			return nil, c.Err()
		case <-time.After(recordPause):
		}
	}
	return []any{c.record(found{added.Digest, []operations.TagStatus{{Target: added.Target, Digest: added.Digest, Index: added.Index}}}, nil)}, nil
}

// deleted is what became of an image that is to be deleted.
type deleted struct {
	Digest string `json:"digest"`
	Status string `json:"status"`
	Detail any    `json:"detail"`
}

// deleteImage ends the subscriptions of the tags that point to an image. They are active,
// so that Anchore asks for force.
func (c *call) deleteImage(digest string) (deleted, error) {
	images, err := c.holding(digest)
	if f, ok := err.(*Fault); ok && f.Status == http.StatusNotFound {
		return deleted{digest, "not_found", f.Text}, nil
	}
	if err != nil {
		return deleted{}, err
	}
	var tags []string
	for _, i := range images {
		for _, t := range i.tags {
			if left := string(t.Analyzed) == digest && string(t.Digest) != digest && string(t.Index) != digest; !left {
				tags = append(tags, t.Target.String())
			}
		}
	}
	if len(tags) == 0 {
		return deleted{digest, "not_found", "image not found: the tags that had it point to others by now"}, nil
	}
	if !c.flag("force", false) {
		return deleted{digest, "delete_failed", "these tags have active subscriptions, use force to end them: " + strings.Join(tags, ", ")}, nil
	}
	for part := range slices.Chunk(tags, operations.MostTags) {
		if err := c.unsubscribe(operations.UnsubscribeRequest{Tags: part}); err != nil {
			return deleted{}, err
		}
	}
	return deleted{digest, "deleting", nil}, nil
}

func (c *call) unsubscribe(request operations.UnsubscribeRequest) error {
	done, err := operations.Unsubscribe.Run(c, c.system, request)
	if err != nil {
		return err
	}
	for _, result := range done.Results {
		if result.Refused != nil {
			return result.Refused.Err()
		}
	}
	return nil
}

func deleteImageByDigest(c *call) (any, error) { return c.deleteImage(c.r.PathValue("digest")) }

func deleteImages(c *call) (any, error) {
	text := c.parameter("imageDigests")
	if text == "" {
		return nil, invalid("the parameter imageDigests is required")
	}
	digests := strings.Split(text, ",")
	if len(digests) > operations.MostTags {
		return nil, invalid("imageDigests has more than 200 digests")
	}
	answers := []deleted{}
	for _, digest := range digests {
		one, err := c.deleteImage(digest)
		if err != nil {
			return nil, err
		}
		answers = append(answers, one)
	}
	return answers, nil
}

// putSubscription activates or deactivates a subscription.
func putSubscription(c *call) (any, error) {
	var wanted struct {
		Active *bool             `json:"active"`
		Key    string            `json:"subscription_key"`
		Type   notification.Type `json:"subscription_type"`
	}
	if err := c.body(&wanted); err != nil {
		return nil, err
	}
	records, err := c.subscriptions(wanted.Key, wanted.Type)
	if err != nil {
		return nil, err
	}
	id := c.r.PathValue("id")
	at := slices.IndexFunc(records, func(r record) bool { return r.ID == id })
	if at < 0 {
		return nil, notFound("subscription not found: " + id)
	}
	r := records[at]
	if wanted.Active == nil || *wanted.Active == r.Active {
		return []record{r}, nil
	}
	if *wanted.Active {
		_, err = c.subscribe(operations.SubscribeRequest{Tags: []string{r.Key}, Types: []notification.Type{r.Type}, Unverified: true})
	} else {
		err = c.deactivate(r)
	}
	r.Active = *wanted.Active
	return []record{r}, err
}

func (c *call) deactivate(r record) error {
	if r.Type == notification.RepoUpdate {
		_, err := operations.UnwatchRepository.Run(c, c.system, operations.RepositoryUnwatch{Name: r.Key})
		return err
	}
	return c.unsubscribe(operations.UnsubscribeRequest{Tags: []string{r.Key}, Types: []notification.Type{r.Type}})
}

// deleteSubscription ends a subscription. Its record stays, inactive, while its tag is
// watched.
func deleteSubscription(c *call) (any, error) {
	r, err := c.subscription()
	if err != nil {
		return nil, err
	}
	if r.Active {
		err = c.deactivate(r)
	}
	return true, err
}
