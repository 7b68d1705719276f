package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/controlplane"
	database "github.com/tagwatch/tagwatch/lab/postgres"
	"github.com/tagwatch/tagwatch/lab/stack"
)

// release is the chart, installed in a cluster with a node that runs its pods, with the
// counterparts of an installation.
type release struct {
	*installation
	cluster *controlplane.Cluster
	images  *lab.Registry // which the node pulls from
	values  string        // path of a file
	moved   int           // how often the watched tag has
}

// TestReleaseOnNode installs the chart, with an image as a release has it, on a node that runs
// the pods: they become ready, the doctor finds everything well, and each move of a tag is
// notified once, also when the pods are deleted, and while they are upgraded.
func TestReleaseOnNode(t *testing.T) {
	controlplane.NeedNode(t)
	r := newRelease(t)
	r.helm("install", "--wait", "--timeout", "5m", "--values", r.values)
	r.inPod("endpoint", "add", "receiver", reachable(r.receiver.URL()))
	r.inPod("feed", "sync")
	r.watch()
	r.examineOnNode("1.0.0")
	r.byService()

	for _, pod := range r.pods() {
		r.cluster.Delete(controlplane.Path(pod))
	}
	r.move()
	r.ready()

	r.helm("upgrade", "--values", r.values, "--set", "image.tag=1.1.0")
	for r.move(); !r.upgraded(); {
		r.move()
	}
	r.ready()
	r.move()
	r.examineOnNode("1.1.0")
	if found := byID(t, r.receiver.All()); len(found) != 1+2*r.moved {
		t.Errorf("%d moves: notified %v", r.moved, kinds(found))
	}

	r.helm("uninstall", "--wait", "--timeout", "5m")
	r.gone()
}

func newRelease(t *testing.T) *release {
	r := &release{installation: counterparts(t), cluster: controlplane.Start(t), images: made(lab.NewRegistry())(t)}
	t.Cleanup(func() { r.images.Close() })
	made(r.images.Push("pause:1", made(lab.NewImage(lab.Lasting))(t)))(t)
	r.base()
	for _, version := range []string{"1.0.0", "1.1.0"} {
		r.image(version)
	}
	r.cluster.RunNode(r.images.Reference("pause:1"))
	r.cluster.Put(r.cluster.Documents(`{apiVersion: v1, kind: Namespace, metadata: {name: tagwatch, labels: {pod-security.kubernetes.io/enforce: restricted}}}`)...)
	secret := lab.Object{"apiVersion": "v1", "kind": "Secret", "metadata": lab.Object{"name": "tagwatch", "namespace": "tagwatch"}, "stringData": lab.Object{"database-url": r.databaseURL()}}
	r.cluster.Put(secret)
	values := made(json.Marshal(map[string]any{
		"image":    map[string]any{"repository": r.images.Host() + "/tagwatch", "tag": "1.0.0"},
		"temporal": map[string]any{"address": r.temporal()},
		"settings": map[string]any{"TAGWATCH_FEED_URL": reachable(r.feed.ListingURL()), "TAGWATCH_FEED_INTERVAL": "24h",
			"TAGWATCH_REGISTRY_PLAIN_HTTP": reachable(r.registry.Host()), "TAGWATCH_POLL": "30s"},
		"api": map[string]any{"enabled": true},
	}))(t)
	r.values = r.cluster.File("values.yaml", string(values))
	return r
}

// reachable is an address of the loopback interface as the pods see it.
func reachable(address string) string {
	return strings.Replace(address, "127.0.0.1", controlplane.Gateway, 1)
}

// base pushes an image as that below the programs: for both platforms, with a user.
func (r *release) base() {
	r.t.Helper()
	var images []v1.Image
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		images = append(images, made(lab.NewImage(lab.Platform(platform), lab.User("65532"), lab.WorkingDir("/home/nonroot"),
			lab.Copy("/", lab.Text("/etc/passwd", "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"), lab.File{Path: "/home/nonroot", Dir: true, Mode: 0o700, UID: 65532, GID: 65532})))(r.t))
	}
	made(r.images.Push("static:nonroot", made(lab.NewIndex(images...))(r.t)))(r.t)
}

// image makes and pushes the image of a release, as .ci/image.sh does, of the programs of
// this machine.
func (r *release) image(version string) {
	r.t.Helper()
	root := r.t.TempDir()
	type artifact struct{ Name, Path, Goos, Goarch, Type string }
	var built []artifact
	for _, name := range []string{"tagwatch", "tagwatch-worker"} {
		for _, architecture := range []string{"amd64", "arm64"} {
			path := filepath.Join("dist", architecture, name)
			must(r.t, os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755))
			must(r.t, os.WriteFile(filepath.Join(root, path), made(os.ReadFile(filepath.Join(bin(r.t), name)))(r.t), 0o755))
			built = append(built, artifact{name, path, "linux", architecture, "Binary"})
		}
	}
	must(r.t, os.Mkdir(filepath.Join(root, "bin"), 0o755))
	must(r.t, os.WriteFile(filepath.Join(root, "dist", "artifacts.json"), made(json.Marshal(built))(r.t), 0o644))
	for _, name := range []string{"LICENSE", "NOTICE", "bin/THIRD_PARTY_LICENSES.txt"} {
		must(r.t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
	}
	r.run("go", "run", "../release", "image", "--version", version, "--revision", strings.Repeat("a", 40), "--date", fmt.Sprint(time.Now().Unix()),
		"--dist", filepath.Join(root, "dist"), "--layout", filepath.Join(root, "image"), "--base", r.images.Reference("static:nonroot"), "--push", r.images.Reference("tagwatch:"+version))
}

// database is the URL of one for the pods.
func (r *release) databaseURL() string {
	r.t.Helper()
	dir := made(os.MkdirTemp("", "tagwatch-node-"))(r.t)
	r.t.Cleanup(func() { must(r.t, os.RemoveAll(dir)) })
	must(r.t, os.Chmod(dir, 0o755)) // PostgreSQL may run as another user
	server := made(database.New(r.t.Context(), filepath.Join(dir, "postgres"), r.log))(r.t)
	must(r.t, server.Start(r.t.Context()))
	r.t.Cleanup(func() { must(r.t, server.Stop()) })
	link := made(lab.NewLink("unix", server.Socket()))(r.t)
	r.t.Cleanup(func() { link.Close() })
	return "postgres://tagwatch@" + reachable(link.Host()) + "/postgres?sslmode=disable"
}

// temporal starts a server of Temporal and returns its address for the pods.
func (r *release) temporal() string {
	r.t.Helper()
	port := made(stack.FreePorts(1))(r.t)[0]
	server := exec.Command(filepath.Join(bin(r.t), "tagwatch-temporal"), "--in-memory", "--port", port, "--ui-port", "0")
	server.Stdout, server.Stderr = r.log, r.log
	must(r.t, server.Start())
	r.t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	r.eventually("Temporal answers", func() bool {
		connection, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
	return net.JoinHostPort(controlplane.Gateway, port)
}

// run runs a program that must succeed and returns what it prints.
func (r *release) run(program string, arguments ...string) string {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), program, arguments...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		r.t.Fatalf("%s %v: %v\n%s%s", filepath.Base(program), arguments, err, out, errs.String())
	}
	return string(out)
}

func (r *release) kubectl(arguments ...string) string {
	r.t.Helper()
	return r.run(filepath.Join(os.Getenv(controlplane.Variable), "kubectl"), append([]string{"--kubeconfig", r.cluster.Admin(), "--namespace", "tagwatch"}, arguments...)...)
}

func (r *release) helm(command string, arguments ...string) string {
	r.t.Helper()
	arguments = append([]string{command, "tagwatch", "--namespace", "tagwatch", "--kubeconfig", r.cluster.Admin()}, arguments...)
	if command == "install" || command == "upgrade" {
		arguments = append(arguments, "../deploy/helm/tagwatch")
	}
	return r.run(os.Getenv("TAGWATCH_TEST_HELM"), arguments...)
}

// inPod runs a command of the command line in a pod.
func (r *release) inPod(arguments ...string) string {
	r.t.Helper()
	return r.kubectl(append([]string{"exec", "deployment/tagwatch-worker", "--", "tagwatch"}, arguments...)...)
}

// examineOnNode runs the doctor in a pod of its own.
func (r *release) examineOnNode(version string) {
	r.t.Helper()
	r.eventually("the doctor finds everything well", func() bool { // lists of workflows lag behind a little
		said := r.helm("test", "--logs")
		_, said, _ = strings.Cut(said, "POD LOGS")
		return strings.Contains(said, "analyses can read only their own image") && !strings.Contains(said, "warn ")
	})
	if image := r.kubectl("get", "pod", "tagwatch-doctor", "--output", "jsonpath={.spec.containers[0].image}"); !strings.HasSuffix(image, ":"+version) {
		r.t.Errorf("the doctor is of %s, want %s", image, version)
	}
}

// byService uses the HTTP API and the status page through their services.
func (r *release) byService() {
	r.t.Helper()
	token := strings.TrimSpace(r.inPod("token", "create", "anna", "--scope", "read"))
	for service, page := range map[string]string{"tagwatch-api": ":80/api/v1/notifications", "tagwatch": ":8234/notifications"} {
		request := made(http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.kubectl("get", "service", service, "--output=jsonpath={.spec.clusterIP}")+page, nil))(r.t)
		request.Header.Set("Authorization", "Bearer "+token)
		if service == "tagwatch" {
			request.SetBasicAuth("anna", token)
		}
		r.eventually(service+" answers", func() bool {
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return false
			}
			content := made(io.ReadAll(answer.Body))(r.t)
			answer.Body.Close()
			return answer.StatusCode == http.StatusOK && strings.Contains(string(content), "analysis_update")
		})
	}
}

// watch subscribes to a tag and waits for its first notification.
func (r *release) watch() {
	r.t.Helper()
	reference := r.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	r.inPod("subscribe", reachable(reference), "--type", "analysis_update,tag_update")
	r.notified(1)
}

// move pushes another image to the watched tag, and waits for its notifications.
func (r *release) move() {
	r.t.Helper()
	r.moved++
	r.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: fmt.Sprintf("7.88.1-%d", r.moved)})...))
	r.notified(1 + 2*r.moved)
}

// pods are those of the workers.
func (r *release) pods() (all []lab.Object) {
	r.t.Helper()
	list := made(r.cluster.Get("api/v1/namespaces/tagwatch/pods?labelSelector=app.kubernetes.io/name=tagwatch"))(r.t)
	for _, item := range list["items"].([]any) {
		item.(lab.Object)["apiVersion"], item.(lab.Object)["kind"] = "v1", "Pod"
		all = append(all, item.(lab.Object))
	}
	return all
}

// ready waits until there are two pods that are ready, whose containers never ended.
func (r *release) ready() {
	r.t.Helper()
	r.eventually("two pods are ready", func() bool {
		ready := 0
		for _, pod := range r.pods() {
			if controlplane.Condition(pod, "Ready") {
				ready++
			}
		}
		return ready == 2 && len(r.pods()) == 2
	})
	if restarts := r.kubectl("get", "pods", "--selector", "app.kubernetes.io/name=tagwatch", "--output", "jsonpath={.items[*].status.containerStatuses[*].restartCount}"); restarts != "0 0" {
		r.t.Errorf("containers started again: %s", restarts)
	}
}

// upgraded tells whether all pods are of the new version.
func (r *release) upgraded() bool {
	r.t.Helper()
	for _, pod := range r.pods() {
		if pod["metadata"].(lab.Object)["labels"].(lab.Object)["app.kubernetes.io/version"] != "1.1.0" {
			return false
		}
	}
	return true
}

// gone holds that nothing stays but what the chart did not make, and the pod of its test.
func (r *release) gone() {
	r.t.Helper()
	kinds := strings.Fields(r.kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name"))
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return strings.HasPrefix(kind, "events") })
	r.eventually("the pods have ended", func() bool { return len(r.pods()) == 0 })
	left := strings.Fields(r.kubectl("get", strings.Join(kinds, ","), "--output=name"))
	if want := []string{"pod/tagwatch-doctor", "secret/tagwatch", "serviceaccount/default"}; !slices.Equal(left, want) {
		r.t.Errorf("%v are left, want %v", left, want)
	}
}
