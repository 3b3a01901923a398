#!/usr/bin/env bash
# Renders a shot of eight frames through everything: compose starts the supervisor, the supervisor starts RQD, minicue
# sends it frames, each is rendered in a container of its own. `make demo` builds what this needs.
#
#   demo.sh        the demo; leaves everything running for you to try
#   demo.sh down   takes all of it away, the pictures and the images excepted; DEMO_IMAGES=1 takes the images, too
#
# RQD_DEMO_DIR (default /tmp/rqd-demo) is where scene, pictures and logs lie. RQD shares /tmp with its frames, so
# another directory must be below it, or in the mounts of rqd.conf.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=${RQD_DEMO_DIR:-/tmp/rqd-demo}
artist=1500
frames=8
minicue=$root/bin/minicue
frame_label=org.rqdswarm.role=frame

compose() { docker compose --project-directory "$root" "$@"; }

# heading writes a line that stands out between the output of the programs.
heading() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }

up() {
	heading "Starting supervisor and minicue with docker compose"
	compose up --detach --wait --wait-timeout 90 || {
		compose logs --no-color --tail 40 >&2
		die "the farm did not come up: its last lines are above"
	}
	"$minicue" wait --hosts 1 --os debian12 --timeout 60s || {
		compose logs --no-color --tail 40 >&2
		die "RQD did not report to minicue: the last lines of both are above"
	}
	printf '\n'
	"$minicue" hosts
}

# scene lays the shot where frames see it, as a studio's file server does.
scene() {
	mkdir -p "$out/frames" "$out/logs"
	cp "$root/scripts/demo/shot.pov" "$out/shot.pov"
	rm -f "$out"/frames/*.png "$out/contactsheet.png"
	# The frames run as the artist, not as who started the demo.
	as_root chown "$artist" "$out" "$out/frames" "$out/logs"
}

# render runs a frame under one operating system and, at the same time on the same host, the shot under another.
render() {
	heading "Rendering $frames frames under debian12, and meanwhile a frame under busybox, on one host"
	local shot=$out/shot.pov clock status=0
	"$minicue" run --os busybox --uid "$artist" --user artist --job check --layer tiny --log-dir "$out/logs" --no-log -- \
		'busybox | head -n 1; id; echo "hello from #FRAME#"; sleep 6' &
	local check_pid=$!
	# It goes first: the shot would take every core.
	wait_for 30 frame_runs rqd-frame-busybox:dev || true
	# The shot's time runs from 0 to 1; the artist's shell does the sum, and nobody else's.
	# shellcheck disable=SC2016
	clock='t=$(( (#IFRAME# - 1) * 1000 / '$((frames - 1))' )); k=$((t / 1000)).$(printf %03d $((t % 1000)))'
	"$minicue" run --os debian12 --range "1-$frames" --uid "$artist" --user artist --job shot --layer beauty --log-dir "$out/logs" -- \
		"$clock; exec povray +I$shot +O$out/frames/shot.#ZFRAME#.png +W640 +H360 +K\$k +A0.2 +R2 +WT1 -D -V" &
	local shot_pid=$!
	siblings
	wait "$check_pid" || status=$?
	wait "$shot_pid" || status=$?
	[ "$status" = 0 ] || die "a frame failed (status $status): its log is in $out/logs"
}

frame_runs() { [ -n "$(docker ps -q --filter "label=$frame_label" --filter "ancestor=$1")" ]; }

# siblings shows RQD and the frames of both operating systems, side by side on one engine.
siblings() {
	wait_for 30 frame_runs rqd-frame-debian12:dev || return 0
	heading "The containers on this engine meanwhile"
	docker ps --format 'table {{.Names}}\t{{.Image}}\t{{.Status}}\t{{.Command}}'
	printf '\n'
}

results() {
	local pictures=("$out"/frames/shot.*.png) log
	[ "${#pictures[@]}" = "$frames" ] || die "there are ${#pictures[@]} pictures in $out/frames and not $frames"
	"$minicue" contactsheet --output "$out/contactsheet.png" --title "shot, frames 1-$frames" "${pictures[@]}" >/dev/null
	log=$(find "$out/logs" -type f -name '*0001-beauty.rqlog' | head -n 1)
	heading "Pictures"
	printf '  %s\n' "${pictures[@]}"
	heading "Contact sheet"
	printf '  %s\n' "$out/contactsheet.png"
	heading "Log of the first frame"
	printf '  %s\n' "$log"
	next
}

next() {
	heading "To try next"
	cat <<-END
		  bin/minicue run --os busybox -- sh -c 'id; echo hello; exit 3'
		      a frame of your own; its status is the command's
		  bin/minicue run --os debian12 --range 1-20 -- sleep 2 & bin/minicue frames
		      more frames than cores
		  docker compose restart supervisor
		      RQD goes and comes; the frames go on, the next RQD adopts them
		  docker compose logs -f
		      what supervisor, RQD and minicue say meanwhile
		  make demo-down
		      take it all away
	END
}

# down removes what the demo made and nothing else: containers by label, volumes by name.
down() {
	compose --profile '*' down --volumes --remove-orphans --timeout 30 >&2 || true
	local ids
	ids=$(docker ps -aq --filter "label=org.rqdswarm.rqd=rqd"; docker ps -aq --filter "label=$frame_label" --filter label=org.rqdswarm.host=localhost)
	# shellcheck disable=SC2086 # ids are words.
	[ -z "$ids" ] || docker rm --force --volumes $ids >/dev/null
	docker volume rm rqd-run rqd-state >/dev/null 2>&1 || true
	if [ -n "${DEMO_IMAGES:-}" ]; then
		docker image rm rqd-supervisor:dev rqdcore:dev rqd-minicue:dev rqd-frame-busybox:dev rqd-frame-debian12:dev >/dev/null 2>&1 || true
	fi
	say "containers and volumes are gone; pictures and logs stay in $out"
	"$root/scripts/engine.sh" stop
}

lock farm
case ${1:-} in
"") up && scene && render && results ;;
down) down ;;
*) die "usage: demo.sh [down]" ;;
esac
