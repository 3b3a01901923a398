#!/usr/bin/env bash
# OpenCue's own command-line client of RQD, from the PyPI package opencue-rqd, in a virtual environment under .cache.
#
#   cuerqd.sh ARGUMENT…          runs cuerqd; RQD_CONFIG_FILE names the rqd.conf with the port
#   cuerqd.sh python ARGUMENT…   runs the environment's Python, in which the package can be imported
#
# Exits with 75 where the package cannot be installed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version=1.37.0
venv=$cache/cuerqd-$version

# install_into DIRECTORY. pynput, which only a desktop needs, would have to be compiled, so dependencies are named here.
install_into() {
	python3 -m venv "$1" >/dev/null 2>&1 || { apt_install python3-venv && python3 -m venv "$1"; } || return 1
	"$1/bin/pip" install --quiet --disable-pip-version-check grpcio protobuf future psutil six &&
		"$1/bin/pip" install --quiet --disable-pip-version-check --no-deps "opencue-rqd==$version" "opencue-proto==$version"
}

lock cuerqd
if [ ! -x "$venv/bin/python" ]; then
	mkdir -p "$cache"
	rm -rf "$venv.new"
	if ! install_into "$venv.new" >&2; then
		rm -rf "$venv.new"
		say "opencue-rqd $version cannot be installed from PyPI here"
		exit 75
	fi
	mv "$venv.new" "$venv"
fi
exec 9>&- # The lock is for the installation.
if [ "${1:-}" = python ]; then
	shift
	exec "$venv/bin/python" "$@"
fi
exec "$venv/bin/python" -m rqd.cuerqd "$@"
