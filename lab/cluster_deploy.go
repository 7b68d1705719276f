package lab

import (
	"fmt"
	"strings"
)

// The lists that Deploy puts objects into.
const (
	deployments = "apis/apps/v1/deployments"
	pods        = "api/v1/pods"
)

// mostPods is how many pods a deployment of the lab has at most.
const mostPods = 20

// Deploy creates a deployment, or changes it: its template has the image of that reference,
// and it has a running pod for each digest, which is of the repository of the reference.
func (c *Cluster) Deploy(namespace, name, reference string, digests ...string) {
	repository := reference[:strings.LastIndex(reference, ":")]
	spec := Object{"containers": []Object{{"name": "main", "image": reference}}}
	c.Put(deployments, Object{"metadata": Object{"namespace": namespace, "name": name}, "spec": Object{"template": Object{"spec": spec}}})
	owner := []Object{{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": deployments + "/" + namespace + "/" + name, "controller": true}}
	for i := range mostPods {
		pod := fmt.Sprintf("%s-%d", name, i)
		if i >= len(digests) {
			c.Delete(pods, namespace, pod)
			continue
		}
		c.Put(pods, Object{"spec": spec, "metadata": Object{"namespace": namespace, "name": pod, "ownerReferences": owner},
			"status": Object{"phase": "Running", "containerStatuses": []Object{{"name": "main", "state": Object{"running": Object{}}, "imageID": repository + "@" + digests[i]}}}})
	}
}

// Undeploy deletes a deployment with its pods.
func (c *Cluster) Undeploy(namespace, name string) {
	c.Delete(deployments, namespace, name)
	for i := range mostPods {
		c.Delete(pods, namespace, fmt.Sprintf("%s-%d", name, i))
	}
}
