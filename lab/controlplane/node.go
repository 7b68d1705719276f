package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// NodeVariable names an empty folder for a node, within what .ci/kubernetes-node.sh makes.
const NodeVariable = "TAGWATCH_TEST_NODE"

// Gateway is the address at which pods reach what listens on the loopback interface.
const Gateway = "10.244.0.1"

// NeedNode skips a test where no node can be run.
func NeedNode(t testing.TB) {
	t.Helper()
	if os.Getenv(NodeVariable) == "" {
		t.Skip(NodeVariable + " names no folder; make test-kubernetes does, where a node can be run")
	}
}

// RunNode starts a node, which runs the pods until the test ends: containerd with runc,
// kubelet, kube-scheduler and kube-proxy. The image is that of the containers that hold the
// namespaces of a pod.
func (c *Cluster) RunNode(pause string) {
	c.Helper()
	programs, folder := os.Getenv(Variable), os.Getenv(NodeVariable)
	c.Cleanup(func() {
		if c.Failed() {
			c.Log(c.tails())
		}
	})
	plugins := filepath.Join(c.folder, "network")
	c.must(os.Mkdir(plugins, 0o700))
	c.File("network/pods.conflist", pods)
	runtime := c.File("containerd.toml", fmt.Sprintf(containerd, filepath.Join(folder, "containerd"), socket, pause, programs, plugins))
	c.launch("containerd", "--config="+runtime)
	c.Until("containerd listens", func() bool { _, err := os.Stat(socket); return err == nil })
	c.launch("kube-scheduler", "--kubeconfig="+c.Admin(), "--leader-elect=false", "--secure-port=0")
	c.launch("kubelet", "--kubeconfig="+c.Admin(), "--config="+c.File("kubelet.yaml", fmt.Sprintf(kubelet, socket)),
		"--root-dir="+filepath.Join(folder, "kubelet"), "--cert-dir="+c.folder, "--hostname-override=node", "--node-ip="+Gateway)
	c.launch("kube-proxy", "--config="+c.File("kube-proxy.yaml", fmt.Sprintf(proxy, c.Admin())))
	c.Until("the node is ready", func() bool {
		object, err := c.Get("api/v1/nodes/node")
		return err == nil && Condition(object, "Ready")
	})
}

// launch runs a program of the node until the test ends.
func (c *Cluster) launch(name string, arguments ...string) {
	c.Helper()
	p := c.program(filepath.Join(os.Getenv(Variable), name), arguments...)
	p.start(c)
	c.Cleanup(p.kill)
	c.node = append(c.node, p)
}

// Condition tells whether an object has a condition.
func Condition(object lab.Object, kind string) bool {
	status, _ := object["status"].(lab.Object)
	conditions, _ := status["conditions"].([]any)
	for _, each := range conditions {
		if condition := each.(lab.Object); condition["type"] == kind {
			return condition["status"] == "True"
		}
	}
	return false
}

const socket = "/run/containerd/containerd.sock"

// pods is the network of the pods, on the bridge of .ci/kubernetes-node.sh.
const pods = `{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods", "hairpinMode": true,
 "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24", "gateway": "` + Gateway + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
`

const containerd = `version = 3
root = %q
[grpc]
address = %q
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = %q
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true # the machine may not allow to lower it
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = [%q]
conf_dir = %q
use_internal_loopback = true
`

const kubelet = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%s
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
protectKernelDefaults: true # .ci/kubernetes-node.sh has set them
resolvConf: ""
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
healthzPort: 0
# The disk is the machine's, however full it is.
evictionHard: {nodefs.available: 1Mi, imagefs.available: 1Mi, memory.available: 1Mi}
imageGCHighThresholdPercent: 100
`

const proxy = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: %q}
mode: iptables
hostnameOverride: node
conntrack: {maxPerCore: 0}
healthzBindAddress: 127.0.0.1:10256
`
