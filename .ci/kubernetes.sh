#!/bin/sh
# A Kubernetes control plane and a node for tests: prints the folder of their programs, for
# TAGWATCH_TEST_KUBERNETES. The tests start them with what they need.
#
#   TAGWATCH_TEST_KUBERNETES=$(.ci/kubernetes.sh)
#
# kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl,
# kustomize (of the version that kubectl contains), containerd and two plugins of CNI are built
# from their Go modules. Building takes half an hour of a core once; the programs are kept in
# the user's cache. Beside them is the definition of the Prometheus operator's ServiceMonitor.
# etcd is Debian's, and for the node runc and iptables; root installs with apt-get what is
# missing.
set -eu
version=v1.37.2
operator=v0.85.0
runtime=v2.1.5
network=v1.8.0

folder=${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch/kubernetes-$version

# downloaded prints what the go command says of a module, by the name of the field.
downloaded() { go mod download -json "$1" | sed -n "s/^\t\"$2\": \"\(.*\)\",\{0,1\}$/\1/p"; }

# build PACKAGE MODULE VERSION builds a program unless it is there, in a module of its own: those
# of Kubernetes and containerd have lines that only their repositories can have.
build() {
	program=${1%/v5} # of kustomize
	program=${program##*/}
	[ ! -x "$folder/$program" ] || return 0
	echo "building $program for the tests (once) ..."
	of=$(downloaded "$2@$3" GoMod)
	rm -f "$module"/*
	{
		echo "module programs"
		grep -E '^(go|godebug) ' "$of"
		echo "require $2 $3"
		# Kubernetes names its parts by folders.
		sed -n "s|^\t\(k8s.io/[a-z-]*\) => ./staging/.*|replace \1 => \1 v0${3#v1}|p" "$of"
	} >"$module/go.mod"
	minor=${version#v1.}
	number=k8s.io/component-base/version
	(cd "$module" && nice go build -mod=mod -tags no_btrfs -ldflags "-s -w -X $number.gitVersion=$version -X $number.gitMajor=1 -X $number.gitMinor=${minor%%.*}" -o "$folder/" "$1")
}

# installed PROGRAM PACKAGE installs a package of Debian unless its program is there.
installed() {
	! PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || return 0
	if [ "$(id -u)" = 0 ]; then
		DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$2"
	elif [ "$1" = etcd ]; then
		echo "etcd is not installed: apt-get install $2" >&2
		exit 1
	fi
}

mkdir -p "$folder"
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
{
	installed etcd etcd-server
	installed runc runc
	installed iptables iptables
	for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
		build "k8s.io/kubernetes/cmd/$name" k8s.io/kubernetes "$version"
	done
	build sigs.k8s.io/kustomize/kustomize/v5 k8s.io/kubernetes "$version"
	for name in containerd containerd-shim-runc-v2; do
		build "github.com/containerd/containerd/v2/cmd/$name" github.com/containerd/containerd/v2 "$runtime"
	done
	for plugin in main/bridge ipam/host-local; do
		build "github.com/containernetworking/plugins/plugins/$plugin" github.com/containernetworking/plugins "$network"
	done
} >&2
[ -s "$folder/servicemonitors.yaml" ] || (
	cd "$(mktemp -d)" # outside of any module
	crd=$(downloaded "github.com/prometheus-operator/prometheus-operator@$operator" Dir)
	install -m 0644 "$crd/example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml" "$folder/servicemonitors.yaml"
) >&2
echo "$folder"
