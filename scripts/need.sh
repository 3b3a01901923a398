#!/usr/bin/env bash
# Makes sure of what a build needs besides Docker: need.sh [go] [cc] [busybox] [shellcheck]
# go: 1.26 or newer, which a person installs. cc: a C compiler, for the race detector. busybox: a static one, what
# the tests make images of. shellcheck: if it can be had.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

lock need
for what in "$@"; do
	case $what in
	go) need_go ;;
	cc) need gcc gcc libc6-dev || die "the race detector needs a C compiler: install gcc and libc6-dev" ;;
	busybox) need busybox busybox-static || die "the tests need a static busybox: install busybox-static" ;;
	shellcheck) need shellcheck shellcheck || say "no shellcheck: the shell scripts are not checked" ;;
	*) die "no rule for $what" ;;
	esac
done
