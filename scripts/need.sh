#!/usr/bin/env bash
# Makes sure of what a build needs besides Docker: need.sh [go] [cc] [busybox] [registry] [mkfs] [lab] [shellcheck]
# go: 1.26 or newer, which a person installs. cc: a C compiler, for the race detector. busybox: a static one, what
# the tests make images of. registry: docker-registry in .cache/tools, to pull from; installing the package would start a
# service. mkfs: mkfs.ext4, for the file system that the tests freeze. lab: what scripts/lab.sh calls, as far as it can
# be had; the lab says what is missing. shellcheck: if it can be had.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# ldd fails for a static program.
static_busybox() { [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1; }

registry() {
	have docker-registry || [ -x "$cache/tools/docker-registry" ] && return 0
	local dir
	dir=$(mktemp -d)
	mkdir -p "$cache/tools"
	say "fetching docker-registry into $cache/tools"
	(cd "$dir" && apt_download docker-registry && dpkg-deb -x docker-registry_*.deb .) &&
		install -m 0755 "$dir/usr/bin/docker-registry" "$cache/tools/docker-registry"
	rm -rf "$dir"
	[ -x "$cache/tools/docker-registry" ]
}

# lab leaves it to scripts/lab.sh to say what a lab cannot be without.
lab() {
	PATH=$PATH:/usr/sbin:/sbin
	need ip iproute2 || say "no ip command: install iproute2"
	need nsenter util-linux || say "no nsenter command: install util-linux"
}

lock need
for what in "$@"; do
	case $what in
	go) need_go ;;
	cc) need gcc gcc libc6-dev || die "the race detector needs a C compiler: install gcc and libc6-dev" ;;
	busybox) static_busybox || apt_install busybox-static || die "the tests need a static /bin/busybox: install busybox-static" ;;
	registry) registry || die "the tests need docker-registry: install it" ;;
	mkfs) need mkfs.ext4 e2fsprogs || die "the tests need mkfs.ext4: install e2fsprogs" ;;
	lab) lab ;;
	shellcheck) need shellcheck shellcheck || say "no shellcheck: the shell scripts are not checked" ;;
	*) die "no rule for $what" ;;
	esac
done
