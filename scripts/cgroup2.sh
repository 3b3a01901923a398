#!/usr/bin/env bash
# Runs something on a host with cgroup v2 and a newer Docker engine, whatever this machine has. The host is a guest of User
# Mode Linux: a kernel that is an ordinary process, with a Debian of its own; the machine's engine, network and
# cgroups are not touched. It is booted for one command, and is gone with it.
#
#   cgroup2.sh test [NAME…]   run the integration tests of the packages there, or only of those named (tests.sh lists them)
#   cgroup2.sh run COMMAND    run a shell command in the guest; its output and exit status are passed on
#   cgroup2.sh build          only make what the guest is made of: a kernel, in some minutes and once, and a disk
#
# What is made is kept in .cache/cgroup2, and what the last guest said in .cache/cgroup2/last. Environment:
#   CGROUP2_MEMORY=4G         the guest's memory, taken from /dev/shm as it is used
#   CGROUP2_CPUS=1            more is slower, but for what computes
#   CGROUP2_TIMEOUT=45m       after which the command is ended
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/debian-lib.sh"

state=$cache/cgroup2
parts=$root/scripts/cgroup2
suite=trixie
# The first kernels that take system calls of their processes by seccomp, three times faster than by ptrace, have
# SMP, and with it cpusets. No release of Debian has one as a package.
kernel_suite=trixie-backports
kernel_source=linux-source-7.2
software=docker.io,docker-cli,containerd,runc,docker-registry,busybox-static,iproute2,iptables,procps,e2fsprogs,ca-certificates

# sum_of prints what a made thing is called by, so that a change of what it is made from makes it anew.
sum_of() { printf '%s\n' "$@" | sha256sum | cut -c 1-12; }

kernel_file() { printf '%s/linux-%s\n' "$state" "$(sum_of "$kernel_source" "$(cat "$parts/kernel.config")")"; }
disk_file() { printf '%s/disk-%s.img\n' "$state" "$(sum_of "$suite" "$software" "$(declare -f first_program)")"; }

# kernel_apt runs apt with lists of its own: this machine's sources stay as they are, and need not be Debian's.
kernel_apt() {
	local command=$1 dir=$2
	shift 2
	"$command" -qq -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::lists="$dir/lists" \
		-o Dir::State::status=/dev/null -o Dir::Cache="$dir" -o APT::Sandbox::User="$(id -un)" -o APT::Architectures=amd64 "$@"
}

# fetch_source DIR unpacks the kernel's source into DIR/source.
fetch_source() {
	local dir=$1 package=$kernel_source
	mkdir -p "$dir"/{lists,archives}/partial "$dir/source"
	printf 'deb [signed-by=%s] %s %s main\n' "$debian_keyring" "$(debian_mirror)" "$kernel_suite" >"$dir/sources.list"
	kernel_apt apt-get "$dir" update >&2 || die "Debian's $kernel_suite cannot be reached: RQD_DEBIAN_MIRROR sets another mirror"
	# Backports move on: the next kernel does as well.
	if ! kernel_apt apt-cache "$dir" show "$package" >/dev/null 2>&1; then
		package=$(kernel_apt apt-cache "$dir" pkgnames linux-source- | grep -E '^linux-source-[0-9.]+$' | sort -V | tail -n 1)
		[ -n "$package" ] || die "Debian's $kernel_suite has no linux-source"
	fi
	say "building a kernel from Debian's $package: some ten minutes of one core, once"
	(cd "$dir" && kernel_apt apt-get "$dir" download "$package" >&2 && dpkg-deb -x "$package"_*.deb package) || die "cannot fetch $package"
	tar -C "$dir/source" --strip-components=1 -xf "$dir"/package/usr/src/linux-source-*.tar.xz
}

build_kernel() {
	local file=$1 work tool
	need gcc gcc libc6-dev || die "building the kernel needs gcc and libc6-dev"
	for tool in make flex bison bc; do need "$tool" "$tool" || die "building the kernel needs $tool"; done
	need xz xz-utils || die "building the kernel needs xz"
	work=$(mktemp -d "$state/kernel.XXXXXX")
	fetch_source "$work"
	(
		cd "$work/source"
		export ARCH=um
		make -s defconfig && scripts/kconfig/merge_config.sh -m .config "$parts/kernel.config" && make -s olddefconfig &&
			make -j"$(nproc)" linux && strip -o "$file.new" linux
	) >"$state/kernel.log" 2>&1 </dev/null || {
		tail -n 20 "$state/kernel.log" >&2
		die "the kernel could not be built: all of it is in $state/kernel.log"
	}
	rm -f "$state"/linux-*[!w]
	mv "$file.new" "$file"
	rm -rf "$work" # 2.5 GB.
}

# first_program prints what the guest's kernel starts: it goes on with the script that this one hands in. util-linux's mount
# speaks to hostfs in a way that it does not know.
first_program() {
	cat <<-'END'
		#!/bin/bash
		mount -t proc proc /proc
		busybox mount -t hostfs -o "$(sed 's/.*cgroup2_share=\([^ ]*\).*/\1/' /proc/cmdline)" none /share
		exec /share/in/init.sh
	END
}

# build_disk makes Debian as debootstrap leaves it, with an engine and our process 1. Making it is root's, its use is not.
build_disk() {
	local file=$1 work
	PATH=$PATH:/usr/sbin:/sbin need mke2fs e2fsprogs || die "making the guest's disk needs e2fsprogs"
	work=$(mktemp -d "$state/disk.XXXXXX")
	debootstrap_into "$work/root" "$suite" "$software"
	as_root rm -rf "$work"/root/var/cache/apt/archives
	as_root mkdir "$work/root/share"
	first_program >"$work/init"
	as_root install -m 0755 "$work/init" "$work/root/sbin/cgroup2-init"
	truncate -s 8G "$file.new"
	as_root env PATH="$PATH:/usr/sbin:/sbin" mke2fs -q -F -t ext4 -O ^has_journal -d "$work/root" "$file.new"
	as_root rm -rf "$work"
	rm -f "$state"/disk-*.img
	mv "$file.new" "$file"
}

# build makes what is missing; what an interrupted run has left of it is of no use.
build() {
	[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m), and User Mode Linux is for x86_64"
	mkdir -p "$state"
	as_root rm -rf "$state"/kernel.?????? "$state"/disk.?????? "$state"/*.new
	need_debian_keyring
	[ -x "$(kernel_file)" ] || build_kernel "$(kernel_file)"
	[ -s "$(disk_file)" ] || build_disk "$(disk_file)"
}

# boot runs the guest until in/command has ended there, and returns its status. The guest is a group of processes,
# and its first ends with this script, however that ends.
boot() {
	local memory=/dev/shm
	[ -w "$memory" ] || memory=$run
	mkdir -p "$run/in" "$run/out"
	install -m 0755 "$parts/init.sh" "$run/in/init.sh"
	printf '%s\n' "${CGROUP2_TIMEOUT:-45m}" >"$run/in/timeout"
	: >"$run/out/output"
	# The paths on the kernel's command line must not have blanks, and a link's has none.
	ln -s "$(disk_file)" "$run/disk"
	TMPDIR=$memory setsid setpriv --pdeathsig KILL "$(kernel_file)" umid=guest uml_dir="$run" mem="${CGROUP2_MEMORY:-4G}" \
		ncpus="${CGROUP2_CPUS:-1}" seccomp=on ubd0="$run/changes,$run/disk" root=/dev/ubda rw init=/sbin/cgroup2-init \
		cgroup2_share="$run" con=null con0=null,fd:1 ssl=null quiet >"$run/out/console.log" 2>&1 </dev/null 9>&- &
	guest=$!
	tail --pid="$guest" --sleep-interval=0.2 --lines=+1 --follow "$run/out/output" 9>&- &
	wait || true
	if [ ! -s "$run/out/status" ]; then
		tail -n 20 "$run/out/console.log" >&2
		die "the guest ended before its command did: its words are in $state/last"
	fi
	return "$(cat "$run/out/status")"
}

# finish leaves nothing but what the guest said.
finish() {
	local status=$?
	trap - EXIT
	[ -z "$guest" ] || kill -KILL -- "-$guest" 2>/dev/null || true
	if [ -d "$run/out" ]; then
		rm -rf "$state/last"
		cp -r "$run/out" "$state/last"
	fi
	rm -rf "$run"
	exit "$status"
}

# listed prints the packages that are tested, of tests.list or those of the arguments.
listed() {
	local package
	if [ $# = 0 ]; then sed -e 's/#.*//' -e '/^ *$/d' "$parts/tests.list" | awk '{ print $1 }'; fi
	for package in "$@"; do
		package=${package#./}
		grep -q "^$package\( \|\$\)" "$parts/tests.list" || die "$package is not in $parts/tests.list"
		printf '%s\n' "$package"
	done
}

# tests hands the guest what it needs to test without Go: test programs, the programs that they run, and the files beside them.
tests() {
	local package list=("$@")
	need_go
	mkdir -p "$run/in/tests" "$run/in/programs"
	printf '%s\n' "${list[@]}" >"$run/in/packages"
	tar -C "$root" --exclude=./.git --exclude=./.cache --exclude=./bin -c . | tar -C "$run/in" --one-top-level=source -x
	cp "$parts/tests.sh" "$run/in/command"
	for package in "${list[@]}"; do
		say "compiling the tests of $package"
		CGO_ENABLED=0 go -C "$root" test -c -tags integration -o "$run/in/tests/${package//\//-}" "./$package"
	done
	cp "$root"/bin/{supervisor,rqdcore,frameinit} "$run/in/programs/" || die "programs are missing: run make build"
}

# open_run makes an empty directory for the run. A killed script leaves it, and perhaps processes of the guest's.
open_run() {
	lock cgroup2
	pkill -KILL -f "^$state/linux-" || true
	rm -rf "$run"
	mkdir -m 0700 "$run"
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

guest=
run=${TMPDIR:-/tmp}/rqd-cgroup2-$(id -u)-$(sum_of "$root")
command=${1:-}
shift || true
case $command in
build) open_run && build ;;
run)
	open_run
	build
	mkdir "$run/in"
	printf '%s\n' "$*" >"$run/in/command"
	boot
	;;
test)
	open_run
	selected=$(listed "$@")
	build
	# shellcheck disable=SC2086 # they are words.
	tests $selected
	boot
	;;
*) die "usage: cgroup2.sh test [PACKAGE…] | run COMMAND | build" ;;
esac
