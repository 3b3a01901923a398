#!/usr/bin/env bash
# The smallest proof that the images work together: compose up, a frame that fails as asked, its log; frames that run
# through a restart and an update of RQD; compose down.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

minicue=$root/bin/minicue
logs=$(mktemp -d /tmp/rqd-smoke.XXXXXX)
passed=0
# Apart from a farm that runs here, such as make demo's: other names, volumes, ports and another name of the host.
host=127.0.0.2
export RQD_NAME=rqd-smoke COMPOSE_PROJECT_NAME=rqd-smoke
export CUEBOT_PORT=18443 RQD_PORT=18444 MINICUE_SERVER=127.0.0.1:18442 RQD_CONF=$logs/rqd.conf

compose() { docker compose --project-directory "$root" "$@"; }

finish() {
	local status=$?
	[ "$status" = 0 ] || compose logs --no-color --tail 60 >&2 || true
	compose down --timeout 30 >/dev/null 2>&1 || true
	docker volume rm rqd-smoke-run rqd-smoke-state >/dev/null 2>&1 || true
	docker image rm rqd-smoke:next >/dev/null 2>&1 || true
	as_root rm -rf "$logs"
	exit "$status"
}

# check DESCRIPTION COMMAND… counts, and ends the run with the first check that fails.
check() {
	local what=$1
	shift
	"$@" || die "not ok: $what"
	passed=$((passed + 1))
	say "ok: $what"
}

frame_exits_3() {
	local status=0
	# shellcheck disable=SC2016 # the artist's shell expands this, not root's and not ours.
	"$minicue" run --os busybox --uid 1500 --user artist --log-dir "$logs" -- \
		'id; echo "uid is $(id -u)"; grep Cap /proc/self/status; echo hello; exit 3' >/dev/null || status=$?
	[ "$status" = 3 ]
}

in_log() { grep -q -- "$1" "$logs"/*.rqlog; }
# Effective and permitted are none; the bounding set means nothing under no-new-privileges.
no_capability() { ! grep -E 'Cap(Eff|Prm|Inh|Amb):' "$logs"/*.rqlog | grep -vq '0000000000000000'; }
# Only of this farm: other tests on the engine may have frames of their own.
frames() { docker ps --all --quiet --no-trunc --filter label=org.rqdswarm.role=frame --filter "label=org.rqdswarm.host=$host" | sort; }
no_frame_left() { [ -z "$(frames)" ]; }
# Nothing of this RQD in any state, and no supervisor or minicue either.
nothing_left() { [ -z "$(docker ps -aq --filter label=org.rqdswarm.rqd=rqd-smoke && compose ps --all --quiet)" ] && no_frame_left; }

# The long frames write numbered lines until there is a file.
long=$logs/long
start_long() {
	mkdir -m 0777 "$long"
	"$minicue" run --os busybox --range 1-4 --cores 0.1 --memory 64m --no-log --log-dir "$long" -- \
		"n=0; until [ -e $long/stop ]; do n=\$((n+1)); echo \"line \$n\"; sleep 0.1; done; echo \"lines \$n\"" >/dev/null &
	long_pid=$!
	wait_for 60 long_write && long_ids=$(frames)
}
long_write() { [ "$(grep -lx 'line 1' "$long"/*.rqlog | wc -l)" = 4 ]; }
# shellcheck disable=SC2086 # ids are words.
long_run_on() { [ "$(frames)" = "$long_ids" ] && [ "$(docker inspect --format '{{.State.Running}}' $long_ids | sort -u)" = true ]; }
long_complete() { touch "$long/stop" && wait "$long_pid"; }
# Each line once and in order, as many as the frame says that it wrote, and the footer with its status.
long_whole() {
	[ "$(find "$long" -name '*.rqlog' | wc -l)" = 4 ] && awk '
		FNR == 1 { n = 0 }
		/^line / { if ($2 != ++n) exit bad = 1 }
		/^lines / { if ($2 != n) exit bad = 1; ended++ }
		/^exitStatus +0$/ { footers++ }
		END { exit bad || ended != 4 || footers != 4 }' "$long"/*.rqlog
}

rqd_id() { docker inspect --format '{{.Id}} {{.State.StartedAt}}' rqd-smoke; }
restarted() {
	local before
	before=$(rqd_id) && compose restart supervisor >/dev/null 2>&1 && compose up --detach --wait --wait-timeout 60 >/dev/null 2>&1 &&
		[ "$(rqd_id)" != "$before" ]
}
updated() {
	printf 'FROM rqdcore:dev\nLABEL smoke=next\n' | DOCKER_BUILDKIT=0 docker build --quiet --tag rqd-smoke:next - >/dev/null 2>&1 &&
		RQD_IMAGE=rqd-smoke:next compose up --detach --wait --wait-timeout 60 >/dev/null 2>&1 &&
		[ "$(docker inspect --format '{{.Image}}' rqd-smoke)" = "$(docker image inspect --format '{{.Id}}' rqd-smoke:next)" ]
}
farm_works() { "$minicue" run --os busybox --log-dir "$logs" -- true >/dev/null; }

lock farm
"$minicue" hosts >/dev/null 2>&1 && die "something already answers at $MINICUE_SERVER"
trap finish EXIT
chmod 0777 "$logs"
sed "s/^OVERRIDE_HOSTNAME=.*/OVERRIDE_HOSTNAME=$host\nRQD_GRPC_PORT=$RQD_PORT\nCUEBOT_GRPC_PORT=$CUEBOT_PORT/" "$root/scripts/demo/rqd.conf" >"$RQD_CONF"
check "supervisor and minicue get healthy" compose up --quiet-pull --detach --wait --wait-timeout 120
check "RQD reports to minicue" "$minicue" wait --hosts 1 --os busybox --timeout 60s
check "a frame's status comes back" frame_exits_3
check "its output is in the rqlog" in_log hello
check "it ran as the artist" in_log "uid is 1500"
check "it had no capability" no_capability
check "its container is gone" wait_for 10 no_frame_left
check "frames start that go on until they are told" start_long
check "the supervisor restarts, and RQD with it" restarted
check "the frames run on" long_run_on
check "compose up with another RQD_IMAGE replaces RQD" updated
check "the frames run on" long_run_on
check "the next RQD takes frames" farm_works
check "the frames complete" long_complete
check "their logs are whole" long_whole
check "compose down ends" compose down --timeout 30
check "no container is left" wait_for 10 nothing_left
# The line that runners count by.
printf '%d passed, 0 failed\n' "$passed"
