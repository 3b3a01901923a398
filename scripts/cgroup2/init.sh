#!/bin/bash
# Process 1 of the guest of cgroup2.sh: makes of the bare kernel a host with an engine, runs the command that was handed
# in, and turns the power off. /share is a directory of the machine's: in/ is what the guest gets, out/ what it says.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
cgroups=/sys/fs/cgroup

kernel_file_systems() {
	mount -t sysfs sysfs /sys
	mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 $cgroups
	mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
	mkdir -p /dev/pts /dev/shm /dev/mqueue
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t mqueue mqueue /dev/mqueue
	mount -t tmpfs tmpfs /dev/shm
	mount -t tmpfs -o mode=755 tmpfs /run
	ln -sf /proc/self/fd /dev/fd
	local stream
	for stream in 0/stdin 1/stdout 2/stderr; do ln -sf "/proc/self/fd/${stream%/*}" "/dev/${stream#*/}"; done
	# As systemd does: what is mounted later is seen in containers that ask for it.
	mount --make-rshared /
}

# As on a host with systemd: nothing runs in the root cgroup, the engine in one of its own.
cgroup_tree() {
	mkdir -p $cgroups/init.scope $cgroups/system.slice
	echo $$ >$cgroups/init.scope/cgroup.procs
	sed 's/[^ ]*/+&/g' $cgroups/cgroup.controllers >$cgroups/cgroup.subtree_control
	sed 's/[^ ]*/+&/g' $cgroups/cgroup.controllers >$cgroups/system.slice/cgroup.subtree_control
	mkdir -p $cgroups/system.slice/docker.service
}

network() {
	hostname cgroup2
	echo '127.0.0.1 localhost cgroup2' >/etc/hosts
	: >/etc/resolv.conf # The machine's name servers are out of reach: better no answer than a late one.
	ip link set lo up
	# RQD looks for the host's own address; nothing answers beyond this interface.
	ip link add eth0 type dummy && ip address add 192.0.2.10/24 dev eth0 && ip link set eth0 up && ip route add default dev eth0
	sysctl -qw net.ipv4.ip_forward=1
}

engine() {
	(
		echo $BASHPID >$cgroups/system.slice/docker.service/cgroup.procs
		exec dockerd --iptables=false --ip6tables=false >/share/out/dockerd.log 2>&1
	) &
	dockerd=$!
	local attempt
	for attempt in $(seq 300); do
		docker version >/dev/null 2>&1 && return 0
		[ -d /proc/$dockerd ] || break
		sleep 0.2
	done
	echo "the engine did not come up in the guest (attempt $attempt)"
	return 1
}

kernel_file_systems
(
	cgroup_tree
	network
	engine && cd /root && timeout --kill-after 10 "$(cat /share/in/timeout)" bash /share/in/command
) >>/share/out/output 2>&1 </dev/null
echo $? >/share/out/status
busybox poweroff -f
