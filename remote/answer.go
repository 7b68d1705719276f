package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/operations"
)

// The types of answers.
const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
)

// read fills the answer of a call, or returns the error that the response is.
func (c *Client) read(response *http.Response, call operations.Call) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	status := response.StatusCode
	switch {
	case status >= 300 && status < 400:
		return c.redirected(response)
	case kind == typeProblem && status >= 400:
		return c.readProblem(response, call)
	case kind == typeJSON && status >= 200 && status < 300:
		return c.decode(response.Body, call.Answer)
	case status >= 500:
		return fmt.Errorf("the server at %s answers %s, and not as Tagwatch does: a proxy before it may not reach it", c.server, statusText(response))
	}
	return fmt.Errorf("the server at %s answers %s with %s, and not as Tagwatch does; check the address: it is that of --api-listen, or of a proxy before it", c.server, statusText(response), named(kind))
}

func statusText(response *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, http.StatusText(response.StatusCode)))
}

func named(kind string) string {
	if kind == "" {
		return "a body of unknown type"
	}
	return kind
}

func (c *Client) redirected(response *http.Response) error {
	to, err := response.Location()
	if err != nil {
		return fmt.Errorf("the server at %s answers %s without saying where to", c.server, statusText(response))
	}
	shown := url.URL{Scheme: to.Scheme, Host: to.Host}
	return fmt.Errorf("the server at %s redirects to %s; the token is not sent there. If that is the server, use its address", c.server, shown.String())
}

// decode reads a body that holds one value.
func (c *Client) decode(body io.Reader, into any) error {
	content, err := io.ReadAll(outbound.Bounded(body, c.most))
	switch {
	case errors.Is(err, errkind.Limit):
		return fmt.Errorf("the answer of the server at %s has more than %d bytes; ask for less", c.server, c.most)
	case err != nil:
		return fmt.Errorf("read the answer of the server at %s: %w", c.server, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber() // for values of any type
	err = decoder.Decode(into)
	if _, more := decoder.Token(); err == nil && more == io.EOF {
		return nil
	}
	if mistyped, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		return fmt.Errorf("the answer of the server at %s has an unexpected %s in field %s; it may be of another version", c.server, mistyped.Value, mistyped.Field)
	}
	return fmt.Errorf("the answer of the server at %s is not valid JSON; a proxy before it may have cut or changed it", c.server)
}

// problem is an error as RFC 9457 has it.
type problem struct {
	Detail string  `json:"detail"`
	Kind   string  `json:"kind"`
	Hint   string  `json:"hint"`
	Errors []fault `json:"errors"`
}

// fault is what is wrong in one place of a request.
type fault struct {
	Message  string `json:"message"`
	Location string `json:"location"`
	// Value is what is there, if the operation itself refuses it.
	Value any `json:"value"`
}

func (c *Client) readProblem(response *http.Response, call operations.Call) error {
	var p problem
	if err := c.decode(response.Body, &p); err != nil {
		return err
	}
	switch status := response.StatusCode; {
	case status == http.StatusUnauthorized:
		return fmt.Errorf("the server at %s does not accept the token (TAGWATCH_TOKEN, tagwatch login): %s", c.server, p.Detail)
	case p.Kind == "" && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed):
		return fmt.Errorf("the server at %s does not know %s; it may be of another version", c.server, call.Name)
	case status == http.StatusUnprocessableEntity && len(p.Errors) > 0:
		return p.invalid()
	case status == http.StatusForbidden:
		return &operations.Refusal{Kind: errkind.Unauthorized, Text: p.Detail, Hint: p.Hint}
	case status == http.StatusPreconditionFailed:
		return &operations.Refusal{Kind: errkind.Conflict, Text: p.Detail, Hint: p.Hint, Cause: operations.ErrChanged}
	case refusals[status] && errkind.ByName(p.Kind) != nil:
		return &operations.Refusal{Kind: errkind.ByName(p.Kind), Text: p.Detail, Hint: p.Hint}
	}
	return fmt.Errorf("the server at %s answers %s: %s", c.server, statusText(response), p.Detail)
}

// refusals are the statuses with which operations refuse. Others concern the request as a
// whole.
var refusals = map[int]bool{http.StatusNotFound: true, http.StatusConflict: true, http.StatusUnprocessableEntity: true, http.StatusServiceUnavailable: true}

// expected begins what is wrong with a value.
const expected = "expected "

// invalid is the error of values that are refused: by the operation, which has one with
// its value, or by the description of the API before it.
func (p problem) invalid() error {
	first := p.Errors[0]
	if first.Value != nil {
		return &operations.InvalidValue{Field: first.Location, Value: first.Value, Expected: strings.TrimPrefix(first.Message, expected)}
	}
	texts := make([]string, len(p.Errors))
	for i, each := range p.Errors {
		texts[i] = strings.TrimSpace(each.Location + " " + each.Message)
	}
	return &operations.Refusal{Kind: errkind.Invalid, Text: "invalid request: " + strings.Join(texts, "; ")}
}
