package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tagwatch/tagwatch/lab"
)

const (
	plain = "application/json"
	merge = "application/merge-patch+json"
	apply = "application/apply-patch+yaml" // of which JSON is a part
)

// Documents are the objects of a YAML text with several documents.
func (c *Cluster) Documents(text string) (objects []lab.Object) {
	c.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var object lab.Object
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		c.must(err)
		if len(object) > 0 {
			objects = append(objects, object)
		}
	}
}

// Path is that of an object in the API.
func Path(object lab.Object) string {
	version, kind, metadata := object["apiVersion"].(string), strings.ToLower(object["kind"].(string)), object["metadata"].(lab.Object)
	parts := []string{"apis", version}
	if !strings.Contains(version, "/") {
		parts[0] = "api"
	}
	if namespace := metadata["namespace"]; namespace != nil {
		parts = append(parts, "namespaces", namespace.(string))
	}
	switch {
	case strings.HasSuffix(kind, "s"):
		kind += "es"
	case strings.HasSuffix(kind, "y"):
		kind = strings.TrimSuffix(kind, "y") + "ies"
	default:
		kind += "s"
	}
	return strings.Join(append(parts, kind, metadata["name"].(string)), "/")
}

// Apply makes an object or changes it, as kubectl apply --server-side --validate=strict does,
// and returns the API server's warnings.
func (c *Cluster) Apply(object lab.Object) (warnings []string, err error) {
	_, warnings, err = c.call(c.Context(), http.MethodPatch, Path(object)+"?fieldManager=test&force=true&fieldValidation=Strict", apply, object)
	return warnings, err
}

// Put is Apply that has to succeed. Of a namespace it waits for what pods there need.
func (c *Cluster) Put(objects ...lab.Object) {
	c.Helper()
	for _, object := range objects {
		if warnings, err := c.Apply(object); err != nil || len(warnings) > 0 {
			c.Fatal(Path(object), warnings, err)
		}
		if object["kind"] == "Namespace" {
			account := Path(object) + "/serviceaccounts/default"
			c.Until(account, func() bool { _, err := c.Get(account); return err == nil })
		}
	}
}

// Get is the object or the list at a path.
func (c *Cluster) Get(path string) (lab.Object, error) {
	object, _, err := c.call(c.Context(), http.MethodGet, path, plain, nil)
	return object, err
}

// Version is that of Kubernetes, such as 1.37.
func (c *Cluster) Version() string {
	c.Helper()
	version, err := c.Get("version")
	c.must(err)
	return fmt.Sprintf("%s.%s", version["major"], version["minor"])
}

// Delete deletes the object at a path, and what it has made soon afterwards.
func (c *Cluster) Delete(path string) {
	c.Helper()
	_, _, err := c.call(c.Context(), http.MethodDelete, path+"?propagationPolicy=Background", plain, nil)
	c.must(err)
}

// Token is a new one of a service account.
func (c *Cluster) Token(namespace, account string) string {
	c.Helper()
	request := lab.Object{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": lab.Object{}}
	object, _, err := c.call(c.Context(), http.MethodPost, "api/v1/namespaces/"+namespace+"/serviceaccounts/"+account+"/token", plain, request)
	c.must(err)
	return object["status"].(lab.Object)["token"].(string)
}

func (c *Cluster) call(ctx context.Context, method, path, contentType string, body lab.Object) (object lab.Object, warnings []string, err error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "https://"+c.host+"/"+path, content)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", contentType)
	response, err := c.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&object); err != nil {
		return nil, nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %v", method, path, response.Status, object["message"])
	}
	return object, response.Header.Values("Warning"), err
}

// RunPods reports of each new pod that it runs, with the identifiers of its images, until
// the test ends or the API server is gone for good.
func (c *Cluster) RunPods(imageID func(image string) string) {
	ctx, stop := context.WithCancel(c.Context())
	ended := make(chan struct{})
	c.Cleanup(func() { stop(); <-ended })
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			c.runPending(ctx, imageID)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
}

// runPending leaves for the next time what cannot be reported, as when the API server is killed.
func (c *Cluster) runPending(ctx context.Context, imageID func(image string) string) {
	pods, _, err := c.call(ctx, http.MethodGet, "api/v1/pods?fieldSelector=status.phase%3DPending", plain, nil)
	if err != nil {
		return
	}
	for _, item := range pods["items"].([]any) {
		pod := item.(lab.Object)
		metadata := pod["metadata"].(lab.Object)
		path := fmt.Sprintf("api/v1/namespaces/%s/pods/%s/status", metadata["namespace"], metadata["name"])
		_, _, _ = c.call(ctx, http.MethodPatch, path, merge, lab.Object{"status": running(pod["spec"].(lab.Object), imageID)})
	}
}

// running is the status of a pod whose containers all run.
func running(spec lab.Object, imageID func(image string) string) lab.Object {
	now := time.Now().UTC().Format(time.RFC3339)
	var containers, conditions []lab.Object
	for _, each := range spec["containers"].([]any) {
		container := each.(lab.Object)
		image := container["image"].(string)
		containers = append(containers, lab.Object{"name": container["name"], "image": image, "imageID": imageID(image), "ready": true, "started": true,
			"restartCount": 0, "state": lab.Object{"running": lab.Object{"startedAt": now}}})
	}
	for _, each := range strings.Fields("PodScheduled Initialized ContainersReady Ready") {
		conditions = append(conditions, lab.Object{"type": each, "status": "True", "lastTransitionTime": now})
	}
	return lab.Object{"phase": "Running", "startTime": now, "containerStatuses": containers, "conditions": conditions}
}
