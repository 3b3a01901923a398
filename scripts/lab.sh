#!/usr/bin/env bash
# Several Docker engines on one machine as the nodes of one Swarm, for contributors and for `make e2e-swarm`.
#
#   lab.sh up [N]             N nodes (default 3), joined to a Swarm; node 1 is its manager
#   lab.sh load IMAGE…        copies images of this machine's engine to every node
#   lab.sh exec NODE CMD…     runs a command where a process of the node would run: its network, mounts and host name
#   lab.sh docker NODE ARG…   runs docker against the node's engine
#   lab.sh socket NODE        prints the path of its engine's socket, for DOCKER_HOST=unix://PATH
#   lab.sh status             shows the nodes and what runs on them
#   lab.sh check              says what this machine lacks for a lab, if anything
#   lab.sh down               takes everything away
#
# A node is a network namespace with the address 10.99.0.NODE, a mount namespace with a /tmp and a /run of its own, a
# host name (lab1, lab2, …) and a dockerd in all of them. They share processes and processors with the machine. NODE 0
# is the wire between them: a network namespace at 10.99.0.254, called cuebot, with the machine's mounts.
# /tmp/rqd-lab is the same directory everywhere, as a file server's would be. The machine's own engine, cgroups and
# network are not touched. Needs root, and iproute2, util-linux and dockerd. RQD_LAB=NAME is another lab beside the
# first, with /tmp/rqd-lab-NAME and the same addresses: the labs do not see each other.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

suffix=${RQD_LAB:+-$RQD_LAB}
lab=/var/lib/rqd-lab$suffix
shared=/tmp/rqd-lab$suffix
subnet=10.99.0
wire=rqdlab$suffix
# Containers of the nodes have cgroups of their own, apart from those of the machine's engine.
cgroup=rqd-lab$suffix

netns() { if [ "$1" = 0 ]; then printf '/run/netns/%s\n' "$wire"; else printf '/run/netns/%s-%s\n' "$wire" "$1"; fi; }
socket() { printf '%s/node%s/run/docker.sock\n' "$lab" "$1"; }
on() { local node=$1 && shift && docker --host "unix://$(socket "$node")" "$@"; }
answers() { timeout 5 docker --host "unix://$(socket "$1")" version --format '{{.Server.Version}}'; }

# nodes prints the numbers of the nodes that there are.
nodes() { find "$lab" -maxdepth 1 -name 'node*' -printf '%f\n' 2>/dev/null | sed 's/^node//' | sort -n; }

# pid_of prints the pid of a node's dockerd. The pid file alone is no proof: pids are used again.
pid_of() {
	local pid
	pid=$(cat "$lab/node$1/run/dockerd.pid" 2>/dev/null) && [ -n "$pid" ] &&
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--data-root $lab/node$1/docker " && printf '%s\n' "$pid"
}

is_node() { case $1 in '' | *[!0-9]*) die "$1 is no node: want a number" ;; esac; }

# lay_wire makes the namespace with the bridge that all nodes hang on.
lay_wire() {
	ip netns add "$wire"
	ip -n "$wire" link set lo up
	ip -n "$wire" link add br0 type bridge
	ip -n "$wire" address add "$subnet.254/24" dev br0
	ip -n "$wire" link set br0 up
}

# plug_in hangs a node on the wire. It has no default route: what asks for the rest of the world fails at once.
plug_in() {
	local node=$1 ns=$wire-$1
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	ip -n "$wire" link add "veth$node" type veth peer name eth0 netns "$ns"
	ip -n "$wire" link set "veth$node" master br0 up
	ip -n "$ns" address add "$subnet.$node/24" dev eth0
	ip -n "$ns" link set eth0 up
}

# start_node starts a dockerd apart from this script, in namespaces of its own. `ip netns exec` would mount /sys anew and
# hide the cgroups, so the network is entered by nsenter.
start_node() {
	local node=$1 dir=$lab/node$1
	mkdir -p "$dir/run" "$dir/tmp" "$dir/etc" "$dir/docker"
	chmod 1777 "$dir/tmp"
	mkdir -p "$dir/tmp/$(basename "$shared")"
	printf '{}\n' >"$dir/etc/daemon.json"
	{
		printf '127.0.0.1 localhost\n%s.254 cuebot\n' "$subnet"
		seq "$2" | sed "s/.*/$subnet.& lab&/"
	} >"$dir/etc/hosts"
	# shellcheck disable=SC2016 # the node's shell expands these.
	local inside='
		set -e
		dir=$1 name=$2 shared=$3
		shift 3
		mount --bind "$shared" "$dir/tmp/$(basename "$shared")"
		mount --rbind "$dir/tmp" /tmp
		mount --make-shared /tmp
		mount --bind "$dir/run" /run
		if [ -d /etc/docker ]; then mount --bind "$dir/etc" /etc/docker; fi
		mount --bind "$dir/etc/hosts" /etc/hosts
		hostname "$name"
		exec "$@"'
	# No iptables where the kernel has none: nothing here needs a bridge network.
	local flags=()
	nsenter --net="$(netns "$node")" iptables -t nat -L -n >/dev/null 2>&1 || flags=(--iptables=false)
	(
		exec 9>&- >"$dir/dockerd.log" 2>&1 </dev/null
		exec setsid nsenter --net="$(netns "$node")" unshare --mount --uts --propagation private \
			sh -c "$inside" node "$dir" "lab$node" "$shared" \
			"$(command -v dockerd)" --data-root "$dir/docker" --exec-root "$dir/run/docker" --pidfile "$dir/run/dockerd.pid" \
			--host "unix://$dir/run/docker.sock" --config-file "$dir/etc/daemon.json" \
			--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$cgroup/node$node" "${flags[@]}"
	) &
	wait_for 60 answers "$node" || {
		tail -n 20 "$dir/dockerd.log" >&2
		die "the engine of node $node did not come up: its last lines are above"
	}
}

join() {
	local node=$1
	if [ "$node" = 1 ]; then
		on 1 swarm init --advertise-addr "$subnet.1" --listen-addr "$subnet.1:2377" >/dev/null
		return
	fi
	on "$node" swarm join --advertise-addr "$subnet.$node" --listen-addr "$subnet.$node:2377" \
		--token "$(on 1 swarm join-token --quiet worker)" "$subnet.1:2377" >/dev/null
}

up() {
	local count=${1:-3} node
	is_node "$count"
	if [ "$count" -lt 1 ] || [ "$count" -gt 200 ]; then die "a lab has 1 to 200 nodes, and not $count"; fi
	[ -z "$(nodes)" ] || die "there is a lab already, of nodes $(nodes | paste -sd ' '): scripts/lab.sh down takes it away"
	# Half a lab is none.
	trap down EXIT
	mkdir -p "$lab" "$shared"
	chmod 0711 "$lab"
	chmod 1777 "$shared"
	lay_wire
	for node in $(seq "$count"); do plug_in "$node" && start_node "$node" "$count" && join "$node"; done
	ready_nodes() { [ "$(on 1 node ls --format '{{.Status}}' | grep -c Ready)" = "$count" ]; }
	wait_for 60 ready_nodes || die "not all nodes get ready: $(on 1 node ls --format '{{.Hostname}} {{.Status}}' | paste -sd ,)"
	trap - EXIT
	say "$count nodes at $subnet.1 and on: export DOCKER_HOST=unix://$(socket 1)"
}

load() {
	[ $# -ge 1 ] || die "usage: lab.sh load IMAGE…"
	local node
	for node in $(nodes); do
		docker save "$@" | on "$node" load --quiet >/dev/null || die "node $node did not take $*"
	done
}

# run_on runs a command in a node's namespaces, and on its wire for node 0.
run_on() {
	local node=$1 pid
	shift
	is_node "$node"
	[ $# -ge 1 ] || die "usage: lab.sh exec NODE COMMAND…"
	if [ "$node" = 0 ]; then exec nsenter --net="$(netns 0)" "$@"; fi
	pid=$(pid_of "$node") || die "node $node does not run"
	exec nsenter --target "$pid" --net --mount --uts "$@"
}

status() {
	local node
	[ -n "$(nodes)" ] || die "there is no lab: scripts/lab.sh up"
	on 1 node ls
	for node in $(nodes); do
		printf '\nnode %s, %s\n' "$node" "$(socket "$node")"
		on "$node" ps --format 'table {{.Names}}\t{{.Image}}\t{{.Status}}'
	done
}

# end_processes kills what is left in a node's cgroups: containers whose engine is gone.
end_processes() {
	local file pid
	find /sys/fs/cgroup -path "*/$cgroup/node$1/*" -name cgroup.procs 2>/dev/null | while read -r file; do
		while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done <"$file"
	done
}

# in_network lists the processes of a network namespace. A node's is its alone: shims and containerd of a dead engine.
in_network() {
	local inode dir
	inode=$(stat -Lc %i "$1" 2>/dev/null) || return 0
	for dir in /proc/[0-9]*; do
		if [ "$(readlink "$dir/ns/net" 2>/dev/null)" = "net:[$inode]" ]; then printf '%s\n' "${dir#/proc/}"; fi
	done
}

# shellcheck disable=SC2317 # wait_for calls it.
ended() { [ ! -e "/proc/$1" ]; }

# emptied kills what lives in a node's network and tells whether that was nothing.
# shellcheck disable=SC2317 # wait_for calls it.
emptied() {
	local left
	left=$(in_network "$(netns "$1")")
	[ -n "$left" ] || return 0
	# shellcheck disable=SC2086 # pids are words.
	kill -KILL $left 2>/dev/null
	return 1
}

# kill_containers first takes the node out of the Swarm, which would start the next task.
kill_containers() {
	local ids
	timeout 20 docker --host "unix://$(socket "$1")" swarm leave --force >/dev/null 2>&1 || true
	ids=$(on "$1" ps -q 2>/dev/null) || return 0
	# shellcheck disable=SC2086 # ids are words.
	[ -z "$ids" ] || on "$1" kill $ids >/dev/null 2>&1 || true
}

stop_node() {
	local node=$1 pid
	if pid=$(pid_of "$node"); then
		kill_containers "$node"
		kill "$pid" 2>/dev/null || true
		wait_for 30 ended "$pid" || kill -KILL "$pid" 2>/dev/null || true
	fi
	end_processes "$node"
	wait_for 10 emptied "$node" || say "processes of node $node do not end: $(in_network "$(netns "$node")" | paste -sd ' ')"
}

down() {
	local node ns
	for node in $(nodes); do stop_node "$node" & done
	wait
	for ns in $(ip netns list 2>/dev/null | awk -v wire="$wire" '$1 == wire || $1 ~ "^" wire "-[0-9]+$" { print $1 }'); do
		ip netns delete "$ns" || say "network namespace $ns is still there"
	done
	find /sys/fs/cgroup -depth -type d \( -name "$cgroup" -o -path "*/$cgroup/*" \) -exec rmdir {} + 2>/dev/null || true
	rm -rf --one-file-system "$lab" "$shared"
	if [ -z "$(ls -A /run/netns 2>/dev/null)" ]; then
		umount /run/netns 2>/dev/null || true
		rmdir /run/netns 2>/dev/null || true
	fi
	say "the lab is gone"
}

# check ends the script where no lab can be.
check() {
	local program
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	[ "$(id -u)" = 0 ] || die "needs root, for namespaces and mounts: sudo scripts/lab.sh $*"
	for program in ip nsenter unshare docker dockerd; do
		have "$program" || die "no $program on this machine: install iproute2, util-linux and Docker"
	done
	unshare --net --mount --uts true 2>/dev/null ||
		die "root may not make namespaces here: in a container that takes CAP_SYS_ADMIN and CAP_NET_ADMIN, as docker run --privileged gives"
}

check "$@"
command=${1:-}
[ $# = 0 ] || shift
case $command in
up) lock lab && up "$@" ;;
down) lock lab && down ;;
load) load "$@" ;;
exec) run_on "$@" ;;
docker) [ $# -ge 2 ] || die "usage: lab.sh docker NODE ARGUMENT…"; is_node "$1"; on "$@" ;;
socket) [ $# = 1 ] || die "usage: lab.sh socket NODE"; is_node "$1"; socket "$1" ;;
status) status ;;
check) ;;
*) die "usage: lab.sh up [N] | load IMAGE… | exec NODE COMMAND… | docker NODE ARGUMENT… | socket NODE | status | check | down" ;;
esac
