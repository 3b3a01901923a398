# Sourced by the scripts here: one way to speak, to become root, to install a package and to take a lock.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this.
cache=$root/.cache
export HOME=${HOME:-/root}
script=$(basename "${0%.sh}")

# Everything a script says about itself goes to stderr; stdout is for results.
say() { printf '%s: %s\n' "$script" "$*" >&2; }
die() { printf '%s: error: %s\n' "$script" "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# as_root runs a command as root: directly, or by sudo, which asks for a password only at a prompt.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif have sudo; then
		if [ -t 0 ] && [ -z "${CI:-}" ]; then sudo "$@"; else sudo -n "$@"; fi
	else
		say "needs root for: $*; there is no sudo on this machine"
		return 1
	fi
}

# apt_install installs the packages named, without questions. It fails on a machine that has no apt.
apt_install() {
	have apt-get || { say "cannot install $*: this machine has no apt-get"; return 1; }
	say "installing $* with apt-get"
	# The lists may be absent or old: update once when the first attempt fails.
	apt_get install "$@" || { apt_get update && apt_get install "$@"; }
}

apt_get() {
	local verb=$1
	shift
	local log
	log=$(mktemp)
	if as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
		"$verb" ${1:+--no-install-recommends} "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
		return 0
	fi
	tail -n 15 "$log" >&2
	rm -f "$log"
	return 1
}

# apt_download fetches a package's file into the working directory, and installs nothing.
apt_download() {
	local download=(apt-get -qq -o APT::Sandbox::User=root download "$1")
	"${download[@]}" 2>/dev/null || { apt_get update && "${download[@]}" >&2; }
}

# need makes sure of a program, and installs the packages that bring it: need PROGRAM PACKAGE…
need() {
	local program=$1
	shift
	have "$program" && return 0
	apt_install "$@" && hash -r && have "$program"
}

# need_go finds Go and lets it say whether it can build this module: since 1.21 it fetches a newer toolchain by itself.
need_go() {
	have go || PATH=$PATH:/usr/local/go/bin:$HOME/go/bin
	have go || die "no Go on this machine: install Go 1.26 or newer from https://go.dev/dl and put it in PATH"
	export PATH
	local version
	version=$(go -C "$root" env GOVERSION 2>/dev/null) || version=
	case $version in
	go1.2[6-9]* | go1.[3-9][0-9]* | go[2-9]*) ;;
	*) die "Go 1.26 or newer is needed and this is $(go version 2>&1 | head -n 1): install one from https://go.dev/dl" ;;
	esac
}

# state_dir is where what was started is written down: gone after a boot, like the processes.
state_dir() {
	local dir
	if [ "$(id -u)" = 0 ]; then dir=/run/rqdswarm; else dir=${XDG_RUNTIME_DIR:-/tmp}/rqdswarm-$(id -u); fi
	(umask 077 && mkdir -p "$dir")
	printf '%s\n' "$dir"
}

# lock NAME lets one script at a time go on; the lock is released when the script ends.
lock() {
	exec 9>"$(state_dir)/$1.lock"
	flock -n 9 && return 0
	say "waiting for another run that holds $(state_dir)/$1.lock"
	flock 9
}

# wait_for SECONDS COMMAND… polls until the command succeeds.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.3
	done
}
