package lab

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Cluster is the API server of a Kubernetes cluster as far as it lists and watches: with
// versions, pages, and streams that resume. Its objects are those that a test puts there.
type Cluster struct {
	*Server
	authority *Authority

	mu        sync.Mutex
	version   int
	compacted int // versions up to this one are forgotten
	objects   map[string]Object
	events    []clusterEvent
	moved     chan struct{} // closed at the next event
	broken    chan struct{} // closed when all streams break
	forbidden map[string]bool
	intercept func(http.ResponseWriter, *http.Request) bool
	lists     int
	streams   int
	opened    int
	expired   int
}

// Object is one of a cluster, as its API shows it.
type Object = map[string]any

type clusterEvent struct {
	version int
	list    string
	kind    string
	object  Object
}

// clusterToken is what the kubeconfig file has.
const clusterToken = "lab-token"

// NewCluster starts an API server without objects.
func NewCluster() (*Cluster, error) {
	authority, err := NewAuthority()
	if err != nil {
		return nil, err
	}
	config, err := authority.Server(false)
	if err != nil {
		return nil, err
	}
	c := &Cluster{authority: authority, version: 100, objects: map[string]Object{}, moved: make(chan struct{}), broken: make(chan struct{}), forbidden: map[string]bool{}}
	c.Server, err = serveTLS(c, config)
	return c, err
}

// Kubeconfig is the content of a file that leads there.
func (c *Cluster) Kubeconfig() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: reader}}]
clusters: [{name: lab, cluster: {server: "https://%s", certificate-authority-data: %s}}]
users: [{name: reader, user: {token: %s}}]
`, c.Host(), base64.StdEncoding.EncodeToString(c.authority.PEM()), clusterToken)
}

// Put creates an object or replaces it. The list is as in the API's paths, such as
// apis/apps/v1/deployments.
func (c *Cluster) Put(list string, object Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := list + "/" + nameOf(object)
	kind := "MODIFIED"
	if c.objects[key] == nil {
		kind = "ADDED"
	}
	c.record(kind, list, object)
	c.objects[key] = object
}

// Delete removes an object, if it is there.
func (c *Cluster) Delete(list, namespace, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := list + "/" + namespace + "/" + name
	if object := c.objects[key]; object != nil {
		delete(c.objects, key)
		c.record("DELETED", list, object)
	}
}

// record notes a change; the lock is held.
func (c *Cluster) record(kind, list string, object Object) {
	c.version++
	meta := object["metadata"].(Object)
	meta["resourceVersion"] = strconv.Itoa(c.version)
	if meta["uid"] == nil {
		meta["uid"] = list + "/" + nameOf(object)
	}
	text, _ := json.Marshal(object) // it is made of texts, numbers, lists and maps
	var frozen Object
	_ = json.Unmarshal(text, &frozen)
	c.events = append(c.events, clusterEvent{version: c.version, list: list, kind: kind, object: frozen})
	close(c.moved)
	c.moved = make(chan struct{})
}

func nameOf(object Object) string {
	meta := object["metadata"].(Object)
	return fmt.Sprintf("%v/%v", meta["namespace"], meta["name"])
}

// Break ends all streams in the middle.
func (c *Cluster) Break() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.broken)
	c.broken = make(chan struct{})
}

// Compact forgets all versions until now.
func (c *Cluster) Compact() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++ // whoever has the last one is behind
	c.compacted, c.events = c.version, nil
}

// Restore begins to count versions anew, as a cluster does whose data comes from a backup.
func (c *Cluster) Restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version, c.compacted, c.events = 1, 0, nil
}

// Forbid refuses to list what is in a namespace, or allows it again.
func (c *Cluster) Forbid(namespace string, forbidden bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forbidden[namespace] = forbidden
}

// Intercept has a function see each request first, which reports whether it has answered it.
func (c *Cluster) Intercept(intercept func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intercept = intercept
}

// Lists is how many pages of lists were asked for.
func (c *Cluster) Lists() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lists
}

// Streams is how many are open.
func (c *Cluster) Streams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams
}

// Opened is how many streams were opened so far.
func (c *Cluster) Opened() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened
}

// Expired is how many streams were refused, as their version was forgotten.
func (c *Cluster) Expired() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.expired
}

// ServeHTTP implements http.Handler.
func (c *Cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	intercept := c.intercept
	c.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	list, namespace := asked(r.URL.Path)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+clusterToken:
		answerStatus(w, http.StatusUnauthorized, "Unauthorized")
	case r.Method != http.MethodGet:
		answerStatus(w, http.StatusMethodNotAllowed, "the lab only lists")
	case c.forbids(namespace):
		answerStatus(w, http.StatusForbidden, fmt.Sprintf("%s is forbidden: User \"reader\" cannot list resource in the namespace %q", list, namespace))
	case list == "api/v1/namespaces":
		c.serveNamespace(w, namespace)
	case r.URL.Query().Get("watch") != "":
		c.serveStream(w, r, list, namespace)
	default:
		c.serveList(w, r, list, namespace)
	}
}

// asked splits a path into the list and its namespace.
func asked(path string) (list, namespace string) {
	path = strings.Trim(path, "/")
	before, after, found := strings.Cut(path, "/namespaces/")
	if !found {
		return path, ""
	}
	namespace, resource, found := strings.Cut(after, "/")
	if !found {
		return before + "/namespaces", namespace
	}
	return before + "/" + resource, namespace
}

func (c *Cluster) forbids(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forbidden[namespace]
}

func answerStatus(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(statusObject(code, message)) // the client sees a broken answer
}

func statusObject(code int, message string) Object {
	return Object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
}

func (c *Cluster) serveNamespace(w http.ResponseWriter, namespace string) {
	c.mu.Lock()
	found := c.objects["api/v1/namespaces/<nil>/"+namespace]
	c.mu.Unlock()
	if found == nil {
		answerStatus(w, http.StatusNotFound, fmt.Sprintf("namespaces %q not found", namespace))
		return
	}
	_ = json.NewEncoder(w).Encode(found)
}

// serveList answers with a page; the token of the next one is the name of the last object.
func (c *Cluster) serveList(w http.ResponseWriter, r *http.Request, list, namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists++
	var keys []string
	for key, object := range c.objects {
		if strings.HasPrefix(key, list+"/") && (namespace == "" || object["metadata"].(Object)["namespace"] == namespace) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	after := r.URL.Query().Get("continue")
	keys = slices.DeleteFunc(keys, func(key string) bool { return key <= after })
	meta := Object{"resourceVersion": strconv.Itoa(c.version)}
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && limit < len(keys) {
		keys = keys[:limit]
		meta["continue"] = keys[limit-1]
	}
	items := []Object{}
	for _, key := range keys {
		items = append(items, c.objects[key])
	}
	_ = json.NewEncoder(w).Encode(Object{"kind": "List", "metadata": meta, "items": items})
}

// serveStream sends what changed after a version.
func (c *Cluster) serveStream(w http.ResponseWriter, r *http.Request, list, namespace string) {
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	c.mu.Lock()
	gone, broken := from < c.compacted, c.broken
	c.streams++
	if gone {
		c.expired++
	} else {
		c.opened++
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.streams--
		c.mu.Unlock()
	}()
	frames := json.NewEncoder(w)
	if gone {
		_ = frames.Encode(Object{"type": "ERROR", "object": statusObject(http.StatusGone, "too old resource version")})
		return
	}
	w.WriteHeader(http.StatusOK)
	for {
		_ = http.NewResponseController(w).Flush()
		events, moved := c.since(from, list, namespace)
		for _, e := range events {
			from = e.version
			_ = frames.Encode(Object{"type": e.kind, "object": e.object})
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-moved:
		case <-broken:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

// since are the events of a list after a version, and what is closed at the next one.
func (c *Cluster) since(version int, list, namespace string) (events []clusterEvent, moved chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		if e.version > version && e.list == list && (namespace == "" || e.object["metadata"].(Object)["namespace"] == namespace) {
			events = append(events, e)
		}
	}
	return events, c.moved
}
