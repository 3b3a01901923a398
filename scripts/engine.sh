#!/usr/bin/env bash
# Makes sure that a Docker engine answers, and says what it did.
#
#   engine.sh           use the engine that runs; else install one if there is none, and start it
#   engine.sh compose   the same, and make sure of `docker compose`
#   engine.sh stop      stop the engine, but only one that this script started by hand
#
# An engine that somebody else started (a person, systemd, an init script) is never stopped or restarted.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

state=$(state_dir)
compose_version=v2.40.3

engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

describe_engine() {
	timeout 10 docker version \
		--format '{{.Server.Version}}, API {{.Server.APIVersion}}, {{.Server.Os}}/{{.Server.Arch}}' 2>/dev/null
}

# ours_runs tells whether the engine that we wrote down still is the same process: its start time says so.
ours_runs() {
	local pid started
	read -r pid started 2>/dev/null <"$state/engine.started" || return 1
	[ -n "$pid" ] && [ "$(start_time "$pid")" = "$started" ]
}

# start_time is field 22 of /proc/PID/stat, counted after the name, which may hold blanks.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# why_not says in one line why the engine does not answer, for the cases where starting one would be wrong.
refuse_if_not_ours_to_start() {
	local error
	error=$(timeout 10 docker version 2>&1 >/dev/null) || true
	case $error in
	*"permission denied"*)
		die "the Docker engine runs, but $(id -un) may not use it: run as root, or: sudo usermod -aG docker $(id -un) and log in again"
		;;
	esac
	[ -z "${DOCKER_HOST:-}" ] ||
		die "DOCKER_HOST is $DOCKER_HOST and no engine answers there: start it, or unset DOCKER_HOST"
	local context
	context=$(docker context show 2>/dev/null) || context=default
	[ "$context" = default ] ||
		die "the docker context is $context and no engine answers there: start it, or: docker context use default"
}

# install_cli gets the docker command alone: the package that has it on Debian 12 and Ubuntu would bring a second engine.
install_cli() {
	have apt-get || die "no docker command on this machine and no apt-get to install it: install Docker's CLI"
	say "an engine seems to run, but there is no docker command"
	if apt-cache show docker-cli >/dev/null 2>&1 && apt_install docker-cli; then return 0; fi
	local dir
	dir=$(mktemp -d)
	chmod 0755 "$dir"
	(cd "$dir" && apt_download docker.io && dpkg-deb -x docker.io_*.deb .) ||
		die "cannot fetch the docker command: install Docker's CLI"
	as_root install -m 0755 "$dir/usr/bin/docker" /usr/local/bin/docker
	rm -rf "$dir"
	say "put the docker command into /usr/local/bin/docker"
}

install_engine() {
	apt_install docker.io ||
		die "there is no Docker engine and docker.io could not be installed: install Docker, see https://docs.docker.com/engine/install"
	# Since Debian 13 the command is a package of its own.
	have docker || apt_install docker-cli || die "docker.io is installed, but there is no docker command: install docker-cli"
	hash -r
}

# start_engine tries the machine's own way first, so that the engine is the machine's and stays.
start_engine() {
	if [ -d /run/systemd/system ]; then
		say "starting docker by systemctl"
		as_root systemctl start docker && wait_for 60 engine_answers && return 0
		die "systemctl start docker did not bring an engine up: see journalctl -u docker"
	fi
	if [ -x /etc/init.d/docker ] && have service; then
		say "starting docker by its init script"
		if as_root service docker start >/dev/null 2>&1 9>&- && wait_for 30 engine_answers; then return 0; fi
		say "the init script did not bring an engine up"
		if [ -s /var/run/docker.pid ] && [ -e "/proc/$(cat /var/run/docker.pid)" ]; then
			die "its dockerd runs, but does not answer: see /var/log/docker.log"
		fi
	fi
	start_by_hand
}

start_by_hand() {
	local flags=()
	have iptables || need iptables iptables || flags=(--iptables=false)
	if ! launch "${flags[@]}"; then
		# Some containers and small kernels have no NAT. RQD and its frames use the host's network, so they do without.
		grep -qi 'iptables.*\(failed\|not found\)' "$state/dockerd.log" || fail_by_hand
		say "this kernel refuses iptables: starting dockerd without (no bridge networking, which RQD does not need)"
		launch --iptables=false || fail_by_hand
	fi
	say "started dockerd by hand (pid $(cat "$state/dockerd.pid"), log $state/dockerd.log); scripts/engine.sh stop stops it"
}

fail_by_hand() {
	tail -n 20 "$state/dockerd.log" >&2
	die "dockerd did not come up: its last lines are above, its log is $state/dockerd.log"
}

# launch starts dockerd apart from this script: a session of its own, no descriptor of ours, not even the lock's.
launch() {
	rm -f "$state/engine.started"
	local limit become=()
	limit=$(ulimit -Hn)
	if [ "$limit" = unlimited ] || [ "$limit" -gt 1048576 ]; then limit=1048576; fi
	[ "$(id -u)" = 0 ] || become=(sudo -n)
	# shellcheck disable=SC2016 # the inner shell expands its own arguments.
	(
		exec 9>&- >/dev/null 2>&1 </dev/null
		exec setsid "${become[@]}" bash -c 'ulimit -n "$1"; log=$2; shift 2; exec "$@" >>"$log" 2>&1' \
			launch "$limit" "$state/dockerd.log" "$(command -v dockerd)" --pidfile "$state/dockerd.pid" "$@"
	) &
	local launcher=$!
	local deadline=$((SECONDS + 60))
	until engine_answers; do
		if [ "$SECONDS" -ge "$deadline" ] || [ ! -e "/proc/$launcher" ]; then return 1; fi
		sleep 0.3
	done
	local pid
	pid=$(as_root cat "$state/dockerd.pid")
	printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$state/engine.started"
}

# dockerd_installed also looks where an ordinary user's PATH does not.
dockerd_installed() {
	have dockerd && return 0
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	have dockerd
}

ensure_engine() {
	if ! have docker && { [ -n "${DOCKER_HOST:-}" ] || [ -S /var/run/docker.sock ]; } && ! dockerd_installed; then install_cli; fi
	if have docker; then
		if engine_answers; then
			say "using the engine that runs: $(describe_engine)"
			return 0
		fi
		refuse_if_not_ours_to_start
	fi
	if ! dockerd_installed || ! have docker; then install_engine; fi
	# A package may have started it.
	if ! wait_for 3 engine_answers; then start_engine; fi
	say "the engine answers: $(describe_engine)"
}

# ensure_compose gets the compose plugin: the distribution's package where there is one, else built from source, in
# some minutes and once.
ensure_compose() {
	if docker compose version >/dev/null 2>&1; then
		say "using docker compose $(docker compose version --short)"
		return 0
	fi
	if [ "$(id -u)" = 0 ] && have apt-cache && apt-cache show docker-compose-v2 >/dev/null 2>&1 &&
		apt_install docker-compose-v2 && docker compose version >/dev/null 2>&1; then
		return 0
	fi
	need_go
	local plugin=$cache/tools/docker-compose-$compose_version
	if [ ! -x "$plugin" ]; then
		say "building docker compose $compose_version from source: this takes two to five minutes, once"
		mkdir -p "$cache/tools"
		CGO_ENABLED=0 go -C "$root/internal/tools/compose" build -trimpath -o "$plugin.new" \
			-ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$compose_version" github.com/docker/compose/v2/cmd ||
			die "docker compose $compose_version could not be built: is the Go module proxy reached?"
		mv "$plugin.new" "$plugin"
	fi
	local dir=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
	mkdir -p "$dir"
	install -m 0755 "$plugin" "$dir/docker-compose"
	docker compose version >/dev/null || die "docker does not take the compose plugin in $dir"
	say "put docker compose $compose_version into $dir"
}

stop_engine() {
	if ! ours_runs; then
		say "no engine here was started by this script: nothing to stop"
		return 0
	fi
	local pid
	read -r pid _ <"$state/engine.started"
	say "stopping the dockerd that this script started (pid $pid)"
	as_root kill "$pid"
	local deadline=$((SECONDS + 60))
	while ours_runs; do
		[ "$SECONDS" -lt "$deadline" ] || die "dockerd (pid $pid) has not ended after 60 s: see $state/dockerd.log"
		sleep 0.3
	done
	rm -f "$state/engine.started" "$state/dockerd.log"
}

lock engine
case ${1:-} in
"" | start) ensure_engine ;;
compose) ensure_engine && ensure_compose ;;
stop) stop_engine ;;
*) die "usage: engine.sh [compose|stop]" ;;
esac
