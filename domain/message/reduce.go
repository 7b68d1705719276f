package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Why a body leaves something out.
const (
	becauseMaxBody = "max_body"     // it would exceed the endpoint's largest body
	becauseRefused = "size_refused" // the receiver answered 413 to the whole
)

// reduction is the key of a payload that says what the body leaves out.
type reduction struct {
	Because string `json:"because"`
	Message string `json:"message"`
	Summary string `json:"summary"` // of the notification, in one line
	// LeftOut counts the missing elements of each list, by its path in the payload.
	LeftOut map[string]int `json:"left_out"`
}

// fixed are lists that say what something is, however long: without one element
// of them, the payload would say something else.
var fixed = []string{"causes", "curr_eval", "header"}

// document is a payload whose lists can be shortened.
type document struct {
	tree    map[string]any
	lists   []list
	summary string
}

// list is one list of a document, as it was.
type list struct {
	path   string
	holder map[string]any
	key    string
	items  []any
	bundle bool // belongs to a policy bundle, which its hash names as well
}

func newDocument(n notification.Notification) (document, error) {
	d := document{summary: n.Summary}
	decoder := json.NewDecoder(bytes.NewReader(n.Payload))
	decoder.UseNumber() // as they were written
	if err := decoder.Decode(&d.tree); err != nil {
		return d, fmt.Errorf("read the payload of notification %s: %w: %w", n.ID, errkind.Invalid, err)
	}
	d.collect("", d.tree, false)
	return d, nil
}

// collect finds the lists that are not inside of others.
func (d *document) collect(prefix string, tree map[string]any, bundle bool) {
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		switch value := tree[key].(type) {
		case []any:
			if !slices.Contains(fixed, key) {
				d.lists = append(d.lists, list{prefix + key, tree, key, value, bundle})
			}
		case map[string]any:
			d.collect(prefix+key+".", value, bundle || key == "bundle")
		}
	}
}

// longest is the length of the longest list outside of bundles.
func (d *document) longest() (most int) {
	for _, l := range d.lists {
		if !l.bundle {
			most = max(most, len(l.items))
		}
	}
	return most
}

// shortened is the payload with at most so many elements in each list, and none in
// those of bundles. The first elements are kept: the most severe ones, where that
// is the order.
func (d *document) shortened(most int, because, message string) (json.RawMessage, error) {
	left := map[string]int{}
	for _, l := range d.lists {
		keep := min(most, len(l.items))
		if l.bundle {
			keep = 0
		}
		l.holder[l.key] = l.items[:keep]
		if keep < len(l.items) {
			left[l.path] = len(l.items) - keep
		}
	}
	d.tree["reduced"] = reduction{because, message, d.summary, left}
	return notification.Encode(d.tree)
}

// renderWithin has assemble make a body of the notifications, with links. If that
// exceeds the endpoint's largest body, lists are shortened, as little as possible
// and everywhere to the same length. A slim delivery has none of them.
func renderWithin(f Form, d delivery.Delivery, account Account, notifications []notification.Notification, assemble func([]notification.Notification) (Body, error)) (Body, error) {
	linked, err := account.linked(notifications)
	if err != nil {
		return Body{}, err
	}
	body, err := assemble(linked)
	if err != nil || !d.Slim && (f.MaxBody == 0 || len(body.Content) <= f.MaxBody) {
		return body, err
	}
	r := reducer{assemble: assemble, notifications: linked, because: becauseMaxBody,
		message: fmt.Sprintf("Lists are shortened, because the endpoint takes bodies of at most %d bytes.", f.MaxBody)}
	if d.Slim {
		r.because, r.message = becauseRefused, "This is the slim form, without lists, because the receiver refused the size of the whole (HTTP 413)."
	}
	if err := r.read(); err != nil {
		return Body{}, err
	}
	if d.Slim {
		return r.render(0)
	}
	return r.within(f.MaxBody)
}

// reducer makes smaller bodies of the same notifications.
type reducer struct {
	assemble         func([]notification.Notification) (Body, error)
	notifications    []notification.Notification
	documents        []document
	because, message string
}

func (r *reducer) read() error {
	for _, n := range r.notifications {
		d, err := newDocument(n)
		if err != nil {
			return err
		}
		r.documents = append(r.documents, d)
	}
	return nil
}

func (r *reducer) render(most int) (Body, error) {
	shorter := slices.Clone(r.notifications)
	for i := range shorter {
		payload, err := r.documents[i].shortened(most, r.because, r.message)
		if err != nil {
			return Body{}, err
		}
		shorter[i].Payload = payload
	}
	return r.assemble(shorter)
}

// within is the fullest body of at most so many bytes; without one, the smallest
// that there is.
func (r *reducer) within(limit int) (Body, error) {
	longest := 0
	for _, d := range r.documents {
		longest = max(longest, d.longest())
	}
	best, err := r.render(0)
	if err != nil {
		return Body{}, err
	}
	// The first length with which the body is too long.
	sort.Search(longest, func(shorterBy int) bool {
		body, failed := r.render(shorterBy + 1)
		if failed != nil {
			err = failed
		}
		fits := failed == nil && len(body.Content) <= limit
		if fits {
			best = body
		}
		return !fits
	})
	return best, err
}

// linked adds the link to each payload.
func (a Account) linked(notifications []notification.Notification) ([]notification.Notification, error) {
	if a.PublicURL == "" {
		return notifications, nil
	}
	linked := slices.Clone(notifications)
	for i, n := range linked {
		link, err := notification.Encode(a.link(n))
		if err != nil {
			return nil, err
		}
		before, open := bytes.CutSuffix(bytes.TrimSpace(n.Payload), []byte("}"))
		if !open || len(before) < 2 {
			return nil, fmt.Errorf("the payload of notification %s is not a JSON object with keys: %w", n.ID, errkind.Invalid)
		}
		linked[i].Payload = slices.Concat(before, []byte(`,"link":`), link, []byte("}"))
	}
	return linked, nil
}
