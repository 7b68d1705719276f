package engine

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/tagwatch/tagwatch/lab"
)

// Pull pulls an image.
func (e *Engine) Pull(reference string) {
	e.Helper()
	answer := e.post("/images/create?fromImage="+url.QueryEscape(reference), nil)
	if strings.Contains(string(answer), `"error"`) {
		e.Fatalf("pull %s: %s", reference, answer)
	}
}

// Build makes an image on the engine, which is in no registry.
func (e *Engine) Build(repository, tag string) {
	e.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	e.must(w.WriteHeader(&tar.Header{Name: "built", Mode: 0o644, Size: int64(len(tag))}))
	_, err := w.Write([]byte(tag))
	e.must(err)
	e.must(w.Close())
	e.post("/images/create?fromSrc=-&repo="+url.QueryEscape(repository)+"&tag="+tag, archive.Bytes())
}

// Tag gives an image another name.
func (e *Engine) Tag(reference, repository, tag string) {
	e.Helper()
	e.post("/images/"+reference+"/tag?repo="+url.QueryEscape(repository)+"&tag="+tag, nil)
}

// Untag takes a name away from an image, which a container may run.
func (e *Engine) Untag(reference string) {
	e.Helper()
	_, err := e.request(http.MethodDelete, "/images/"+reference+"?force=1&noprune=1", nil)
	e.must(err)
}

// ID is the identifier of an image.
func (e *Engine) ID(reference string) string {
	e.Helper()
	var found struct{ ID string }
	e.get("/images/"+reference+"/json", &found)
	return found.ID
}

// Container creates and starts a container of an image that the engine has.
func (e *Engine) Container(name, reference string, labels map[string]string) {
	e.Helper()
	e.post("/containers/create?name="+name, lab.Object{"Image": reference, "Labels": labels, "HostConfig": lab.Object{"NetworkMode": "none"}})
	e.Resume(name)
}

// Resume starts a container that has stopped.
func (e *Engine) Resume(name string) {
	e.Helper()
	e.post("/containers/"+name+"/start", nil)
}

// Stop stops a container.
func (e *Engine) Stop(name string) {
	e.Helper()
	e.post("/containers/"+name+"/kill", nil)
}

// Has reports whether there is a container of that name.
func (e *Engine) Has(name string) bool {
	e.Helper()
	var found []struct{}
	e.get("/containers/json?all=1&filters="+url.QueryEscape(`{"name":["^/`+name+`$"]}`), &found)
	return len(found) > 0
}

// Remove removes a container.
func (e *Engine) Remove(name string) {
	e.Helper()
	_, err := e.request(http.MethodDelete, "/containers/"+name+"?force=1", nil)
	e.must(err)
}

// Swarm makes the engine the manager of a Swarm.
func (e *Engine) Swarm() {
	e.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	e.must(err)
	free := listener.Addr().String()
	e.must(listener.Close())
	e.post("/swarm/init", lab.Object{"ListenAddr": free, "AdvertiseAddr": free})
}

// Lock has the Swarm be locked from the next start of the engine on.
func (e *Engine) Lock() {
	e.Helper()
	var swarm struct {
		Version struct{ Index int }
		Spec    lab.Object
	}
	e.get("/swarm", &swarm)
	swarm.Spec["EncryptionConfig"] = lab.Object{"AutoLockManagers": true}
	e.post("/swarm/update?version="+strconv.Itoa(swarm.Version.Index), swarm.Spec)
	e.Until("the key of the node is encrypted", func() bool {
		key, err := os.ReadFile(e.path("data/swarm/certificates/swarm-node.key"))
		return err == nil && bytes.Contains(key, []byte("ENCRYPTED"))
	})
}

// Service makes a service of a Swarm, or changes its image: of its replicas, so many at
// first, and the others only at the next change.
func (e *Engine) Service(name, reference string, replicas, atFirst int) {
	e.Helper()
	const hour = 3_600_000_000_000
	spec := lab.Object{"Name": name, "Mode": lab.Object{"Replicated": lab.Object{"Replicas": replicas}},
		"UpdateConfig": lab.Object{"Parallelism": atFirst, "Delay": hour, "Order": "stop-first"},
		"TaskTemplate": lab.Object{"ContainerSpec": lab.Object{"Image": reference, "StopGracePeriod": 1}, "Networks": []lab.Object{{"Target": "host"}}}}
	answer, err := e.request(http.MethodGet, "/services/"+name, nil)
	if err != nil {
		e.post("/services/create", spec)
		return
	}
	var before struct {
		ID      string
		Version struct{ Index int }
	}
	e.must(json.Unmarshal(answer, &before))
	e.post("/services/"+before.ID+"/update?version="+strconv.Itoa(before.Version.Index), spec)
}

// Tasks counts the tasks of a service that run an image.
func (e *Engine) Tasks(service, reference string) (n int) {
	e.Helper()
	var tasks []struct {
		Spec   struct{ ContainerSpec struct{ Image string } }
		Status struct{ State string }
	}
	e.get("/tasks?filters="+url.QueryEscape(`{"service":["`+service+`"],"desired-state":["running"]}`), &tasks)
	for _, task := range tasks {
		if task.Status.State == "running" && task.Spec.ContainerSpec.Image == reference {
			n++
		}
	}
	return n
}
