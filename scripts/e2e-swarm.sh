#!/usr/bin/env bash
# Tries the service on a real Swarm: a lab of its own (scripts/lab.sh, called e2e), the real images, all scripts.
#
#   e2e-swarm.sh [--if-possible] [NODES] [-- ARGUMENT OF go test…]
#
#   NODES            1 (the default) is the short run that is part of make test: short times, all tests at once. More is
#                    the long one: the times that the scripts set, one test after the other.
#   --if-possible    without root, and without a sudo that asks for no password: say so and succeed. In CI it is an error.
#
# SWARM=no leaves the tests out, with a line that says so. KEEP=1 leaves the lab as it is, for the next run or to look
# at: RQD_LAB=e2e scripts/lab.sh status. Needs what a lab needs: root, and the right to make namespaces.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

nodes=1 optional=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	case $1 in
	--if-possible) optional=1 ;;
	*[!0-9]* | '' | 0) die "usage: e2e-swarm.sh [--if-possible] [NODES] [-- ARGUMENT OF go test…]" ;;
	*) nodes=$1 ;;
	esac
	shift
done
[ $# = 0 ] || shift

if [ "${SWARM:-}" = no ]; then
	say "NOT RUN: the tests on a Swarm, because SWARM=no"
	exit 0
fi
absences=$(mktemp)
trap 'rm -f "$absences"' EXIT
wrapper=()
if [ "$(id -u)" != 0 ]; then
	if have sudo && sudo -n true 2>/dev/null; then
		wrapper=(-exec "sudo -n env PATH=$PATH HOME=$HOME NODES=$nodes KEEP=${KEEP:-} ABSENCES=$absences UPDATES=${UPDATES:-} UPDATE_ROUNDS=${UPDATE_ROUNDS:-} DOCKER_HOST=${DOCKER_HOST:-}")
	elif [ -n "$optional" ] && [ -z "${CI:-}" ]; then
		say "NOT RUN: the tests on a Swarm need root, for namespaces and engines of their own: sudo make e2e-swarm NODES=1"
		exit 0
	else
		die "the tests on a Swarm need root, for namespaces and engines of their own: run them as root, or by a sudo that asks for no password"
	fi
fi
lab() { as_root env RQD_LAB=e2e "PATH=$PATH" "$root/scripts/lab.sh" "$@"; }
lab check || die "no lab can be made here: the line above says why; make test SWARM=no does without"

# One run at a time: they would share the lab.
lock e2e
finish() {
	cat "$absences"
	rm -f "$absences"
	[ -n "${KEEP:-}" ] || lab down 9>&- 2>/dev/null
}
trap finish EXIT
flags=(-parallel 1)
[ "$nodes" != 1 ] || flags=(-parallel 16)
cd "$root"
NODES=$nodes ABSENCES=$absences .cache/tools/gotestsum --format testname --hide-summary skipped -- \
	-tags swarm -count=1 -timeout 40m "${flags[@]}" "${wrapper[@]}" "$@" ./supervisor/e2e 9>&-
