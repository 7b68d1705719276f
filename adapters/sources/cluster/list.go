package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	// pageSize is the number of objects in one request, pageTimeout how long a page may
	// take, largestPage how many bytes it may have.
	pageSize    = 500
	pageTimeout = time.Minute
	largestPage = 64 << 20
	// mostObjects and mostPages bound one reading.
	mostObjects = 200_000
	mostPages   = 2_000
	// listAttempts is how often a list is begun whose pages expire.
	listAttempts = 3
	// largestText bounds what is repeated of an API server's own words.
	largestText = 300
)

// errGone reports that the API server does not have a version any more.
var errGone = errors.New("the version has expired")

// place is a kind of objects in one namespace, or in all.
type place struct {
	resource
	namespace string
}

// String names the place as people do.
func (p place) String() string {
	if p.namespace == "" {
		return p.name + " of all namespaces"
	}
	return p.name + " of namespace " + p.namespace
}

func (p place) path() []string {
	if p.namespace == "" {
		return []string{p.group, p.name}
	}
	return []string{p.group, "namespaces", p.namespace, p.name}
}

// page is one of a list.
type page struct {
	Metadata struct {
		Continue string `json:"continue"`
		Version  string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []object `json:"items"`
}

// list reads all objects of a place. Pages are of one version of the list: if that
// expires meanwhile, it is read anew.
func (c *Client) list(ctx context.Context, at place, most int) ([]object, error) {
	var err error
	for range listAttempts {
		var all []object
		if all, err = c.pages(ctx, at, most); !errors.Is(err, errGone) {
			return all, err
		}
	}
	return nil, fmt.Errorf("list %s at %s: its pages expire before they are read: %w", at, c.base.Host, errkind.Unavailable)
}

func (c *Client) pages(ctx context.Context, at place, most int) (all []object, err error) {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}}
	for range mostPages {
		read, err := c.page(ctx, at, query)
		if err != nil {
			return nil, err
		}
		if all = append(all, read.Items...); len(all) > most {
			break
		}
		if read.Metadata.Continue == "" {
			return all, nil
		}
		query.Set("continue", read.Metadata.Continue)
	}
	return nil, fmt.Errorf("list %s at %s: more than %d objects or %d pages; choose fewer namespaces: %w", at, c.base.Host, mostObjects, mostPages, errkind.Limit)
}

func (c *Client) page(ctx context.Context, at place, query url.Values) (read page, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	body, err := c.get(ctx, "list "+at.String(), at.path(), query)
	if err != nil {
		return read, err
	}
	defer body.Close()
	if err := json.NewDecoder(outbound.Bounded(body, largestPage)).Decode(&read); err != nil {
		return read, c.broken("list "+at.String(), err)
	}
	for i := range read.Items {
		read.Items[i].kind = at.kind
		read.Items[i].trim()
	}
	return read, nil
}

// exists reports whether a namespace does: a list of one that does not is empty.
func (c *Client) exists(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	body, err := c.get(ctx, "get namespace "+namespace, []string{"api/v1", "namespaces", namespace}, nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// get begins an answer. The error of one other than OK names the request.
func (c *Client) get(ctx context.Context, asked string, path []string, query url.Values) (io.ReadCloser, error) {
	address := c.base.JoinPath(path...)
	address.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", asked, errkind.Invalid)
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("%s: the API server at %s is not reachable: %w: %w", asked, c.base.Host, errkind.Unavailable, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, c.refusal(asked, response)
	}
	return response.Body, nil
}

// broken is the error of an answer that cannot be read to its end.
func (c *Client) broken(asked string, err error) error {
	kind := errkind.Unavailable
	if errors.Is(err, errkind.Limit) {
		kind = errkind.Limit
	}
	return fmt.Errorf("%s: the answer of the API server at %s cannot be read: %w: %w", asked, c.base.Host, kind, err)
}

// refusal is the error of an answer other than OK, with the API server's reason.
func (c *Client) refusal(asked string, response *http.Response) error {
	var said struct{ Message string }
	_ = json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&said) // it may be a proxy's page
	text := fmt.Sprintf("%s: the API server at %s responded %s", asked, c.base.Host, response.Status)
	if said.Message != "" {
		text += ": " + shortened(said.Message)
	}
	return fmt.Errorf("%s: %w", text, kindOf(response.StatusCode))
}

func kindOf(status int) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return errkind.Unauthorized
	case http.StatusNotFound:
		return errkind.NotFound
	case http.StatusGone:
		return errGone
	case http.StatusBadRequest:
		return errkind.Invalid
	}
	return errkind.Unavailable
}

func shortened(text string) string {
	if len(text) > largestText {
		return text[:largestText] + "..."
	}
	return text
}
