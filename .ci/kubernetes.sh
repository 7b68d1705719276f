#!/bin/sh
# A Kubernetes control plane for tests: prints the folder of its programs, for
# TAGWATCH_TEST_KUBERNETES. The tests start it with what they need.
#
#   TAGWATCH_TEST_KUBERNETES=$(.ci/kubernetes.sh)
#
# kube-apiserver, kube-controller-manager and kustomize (of the version that kubectl
# contains) are built from their Go modules, in a module of their own: that of Kubernetes
# names its parts by folders, which only its repository has. Building takes twenty minutes
# of a core once; the programs are kept in the user's cache. Beside them is the
# definition of the Prometheus operator's ServiceMonitor. etcd is Debian's, which root
# installs with apt-get where it is missing.
set -eu
version=v1.37.2
operator=v0.85.0
programs='k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager sigs.k8s.io/kustomize/kustomize/v5'

folder=${XDG_CACHE_HOME:-$HOME/.cache}/tagwatch/kubernetes-$version

# downloaded prints what the go command says of a module, by the name of the field.
downloaded() { go mod download -json "$1" | sed -n "s/^\t\"$2\": \"\(.*\)\",\{0,1\}$/\1/p"; }

# build makes the module and its programs.
build() {
	of=$(downloaded "k8s.io/kubernetes@$version" GoMod)
	module=$(mktemp -d)
	trap 'rm -rf "$module"' EXIT
	{
		echo "module control-plane"
		grep -E '^(go|godebug) ' "$of"
		echo "require k8s.io/kubernetes $version"
		sed -n "s|^\t\(k8s.io/[a-z-]*\) => ./staging/.*|replace \1 => \1 v0${version#v1}|p" "$of"
	} >"$module/go.mod"
	cd "$module"
	minor=${version#v1.}
	number=k8s.io/component-base/version
	for program in $programs; do
		nice go build -mod=mod -ldflags "-s -w -X $number.gitVersion=$version -X $number.gitMajor=1 -X $number.gitMinor=${minor%%.*}" \
			-o "$folder/" "$program"
	done
}

if ! command -v etcd >/dev/null; then
	if [ "$(id -u)" != 0 ]; then
		echo "etcd is not installed: apt-get install etcd-server" >&2
		exit 1
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends etcd-server >&2
fi
[ -x "$folder/kube-apiserver" ] && [ -x "$folder/kube-controller-manager" ] && [ -x "$folder/kustomize" ] || {
	mkdir -p "$folder"
	echo "building Kubernetes $version for the tests (once) ..." >&2
	(build) >&2
}
[ -s "$folder/servicemonitors.yaml" ] || (
	cd "$(mktemp -d)" # outside of any module
	crd=$(downloaded "github.com/prometheus-operator/prometheus-operator@$operator" Dir)
	install -m 0644 "$crd/example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml" "$folder/servicemonitors.yaml"
) >&2
echo "$folder"
