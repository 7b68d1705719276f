#!/bin/sh
# Runs a command where a node of Kubernetes can run: with mounts, a network, processes and
# control groups of its own, so that nothing stays behind and nothing of the machine changes.
# TAGWATCH_TEST_NODE names a folder for the node. Where that cannot be done, says why, and runs
# the command without the variable.
#
#   .ci/kubernetes-node.sh COMMAND...
#
# It needs root, runc and iptables. What listens on the loopback interface within is reached by
# pods at 10.244.0.1.
set -eu
groups=/sys/fs/cgroup

# hierarchies prints the folders of the control groups: one, or with version 1 one a controller.
hierarchies() {
	if [ -f $groups/cgroup.controllers ]; then
		echo $groups
	else
		for each in "$groups"/*; do
			[ ! -f "$each/cgroup.procs" ] || [ -L "$each" ] || echo "$each"
		done
	fi
}

# prevents prints why there can be no node.
prevents() {
	[ "$(id -u)" = 0 ] || { echo "only root can make its namespaces"; return; }
	for program in runc iptables ip unshare; do
		command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
	done
	[ -n "$(hierarchies)" ] || { echo "no control groups are mounted in $groups"; return; }
	unshare --mount --net --pid --cgroup --ipc --uts --fork true 2>/dev/null || echo "no namespaces can be made"
}

# enclose makes groups for the command, and runs it within.
enclose() {
	TAGWATCH_TEST_NODE=$(mktemp -d "${TMPDIR:-/tmp}/tagwatch-node.XXXXXX")
	export TAGWATCH_TEST_NODE
	name=${TAGWATCH_TEST_NODE##*/}
	trap leave EXIT
	trap 'exit 130' INT TERM
	for hierarchy in $(hierarchies); do
		mkdir "$hierarchy/$name"
		for cpus in cpuset.cpus cpuset.mems; do
			[ ! -f "$hierarchy/$cpus" ] || cat "$hierarchy/$cpus" >"$hierarchy/$name/$cpus"
		done
	done
	"$0" --join "$name" "$@"
}

# leave removes the groups and the folder, once the processes within have ended.
leave() {
	for hierarchy in $(hierarchies); do
		for _ in 1 2 3 4 5; do
			! find "$hierarchy/$name" -depth -type d -exec rmdir {} + 2>/dev/null || break
			sleep 1
		done
	done
	rm -rf "$TAGWATCH_TEST_NODE"
}

# join enters the groups, which are the roots of what is seen within.
join() {
	name=$1
	shift
	for hierarchy in $(hierarchies); do
		echo $$ >"$hierarchy/$name/cgroup.procs"
	done
	exec unshare --cgroup -- "$0" --settle "$name" "$@"
}

# settle leaves the root of version 2 to groups, where processes must be in leaves.
settle() {
	if [ -f $groups/cgroup.controllers ]; then
		mkdir "$groups/$1/node"
		echo $$ >"$groups/$1/node/cgroup.procs"
	fi
	shift
	exec unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc -- "$0" --prepare "$@"
}

# prepare mounts and connects what a node needs, and becomes the command.
prepare() {
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	hostname node
	mount_groups
	# What the kubelet would set for the whole machine it finds set.
	fixed vm/overcommit_memory 1
	fixed vm/panic_on_oom 0
	fixed kernel/panic 10
	fixed kernel/panic_on_oops 1
	fixed kernel/keys/root_maxkeys 1000000
	fixed kernel/keys/root_maxbytes 25000000
	ip link set lo up
	ip link add pods type bridge
	ip address add 10.244.0.1/24 dev pods
	ip link set pods up
	ip route add default dev pods
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
	iptables --table nat --append PREROUTING --in-interface pods --destination 10.244.0.1 --protocol tcp --jump DNAT --to-destination 127.0.0.1
	exec "$@"
}

mount_groups() {
	names=$(hierarchies)
	mount -t tmpfs tmpfs $groups
	if [ "$names" = $groups ]; then
		mount -t cgroup2 cgroup2 $groups
		for controller in $(cat $groups/cgroup.controllers); do
			echo "+$controller" >$groups/cgroup.subtree_control
		done
		return
	fi
	for hierarchy in $names; do
		controller=${hierarchy##*/}
		case $controller in
		unified) continue ;;
		systemd) options=none,name=systemd ;;
		*) options=$controller ;;
		esac
		mkdir "$hierarchy"
		mount -t cgroup -o "$options" cgroup "$hierarchy"
	done
}

fixed() {
	file=/run/fixed-$(basename "$1")
	echo "$2" >"$file"
	mount --bind "$file" "/proc/sys/$1"
}

PATH=$PATH:/usr/sbin:/sbin
case "${1:?a command}" in
--join) shift; join "$@" ;;
--settle) shift; settle "$@" ;;
--prepare) shift; prepare "$@" ;;
*)
	reason=$(prevents)
	if [ -z "$reason" ]; then
		enclose "$@"
	else
		echo "no node of Kubernetes here: $reason" >&2
		"$@"
	fi
	;;
esac
