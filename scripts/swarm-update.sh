#!/usr/bin/env bash
# Updates the service, node after node, and waits for the end. Frames go on. Swarm goes back by itself when an RQD does
# not get ready, and then this fails.
#
#   swarm-update.sh [FLAG…] [-- FLAG OF docker service update…]
#
#   --image IMAGE             RQD's next image; the same as now pulls a tag that has moved
#   --supervisor IMAGE        the supervisor's next image
#   --cuebot HOSTS            other Cuebots
#   --conf FILE               another rqd.conf
#   --grace SECONDS           another grace for RQD, and Swarm's with it
#   --order start-first       or stop-first, for this update and the next
#   --registry-config FILE    other credentials for RQD's image
#   --env NAME=VALUE          another value of a variable; may be repeated
#   --name NAME               name of the service (RQD_SERVICE; default rqd)
#   --dry-run                 print the docker commands and run none
#
# Of the environment only RQD_SERVICE counts here: an update changes what it is told to.
unset RQD_IMAGE SUPERVISOR_IMAGE CUEBOT_HOSTNAME RQD_CONF STOP_GRACE_SECONDS UPDATE_ORDER RQD_REGISTRY_CONFIG
source "$(dirname "${BASH_SOURCE[0]}")/swarm-lib.sh"

# attached KIND TARGET prints the config or secret that the service has at a target now.
attached() {
	local field=Configs item=ConfigName
	[ "$1" = config ] || { field=Secrets && item=SecretName; }
	docker service inspect --format "{{range .Spec.TaskTemplate.ContainerSpec.$field}}{{if eq .File.Name \"$2\"}}{{.$item}}{{end}}{{end}}" "$name" 2>/dev/null || true
}

# replace KIND FILE TARGET swaps a config or secret.
replace() {
	local kind=$1 target=$3 old new
	old=$(attached "$kind" "$target")
	new=$(deposit "$kind" "$2")
	[ "$old" != "$new" ] || return 0
	[ -z "$old" ] || flags+=("--$kind-rm" "$old")
	flags+=("--$kind-add" "source=$new,target=$target")
}

image_now() {
	docker service inspect --format '{{range .Spec.TaskTemplate.ContainerSpec.Env}}{{println .}}{{end}}' "$name" 2>/dev/null |
		sed -n 's/^RQD_IMAGE=//p'
}

parse --image --supervisor --cuebot --conf --grace --order --registry-config --env -- "$@"
need_service

flags=(--with-registry-auth)
if [ -n "$image" ]; then
	flags+=(--env-add "RQD_IMAGE=$image")
	# Swarm replaces no task whose definition is the same. The supervisors pull again when they are new.
	[ "$(image_now)" != "$image" ] || flags+=(--force)
fi
[ -z "$supervisor" ] || flags+=(--image "$supervisor")
[ -z "$cuebot" ] || flags+=(--env-add "CUEBOT_HOSTNAME=$cuebot")
[ -z "$grace" ] || flags+=(--env-add "STOP_GRACE_SECONDS=$grace" --stop-grace-period "$((grace + grace_margin))s")
[ -z "$order" ] || flags+=(--update-order "$order" --rollback-order "$order")
for e in "${env[@]}"; do flags+=(--env-add "$e"); done
[ -z "$conf" ] || replace config "$conf" /etc/opencue/rqd.conf
if [ -n "$registry_config" ]; then
	replace secret "$registry_config" registry.json
	flags+=(--env-add RQD_REGISTRY_CONFIG=/run/secrets/registry.json)
fi
[ "${#flags[@]}" -gt 1 ] || [ "${#extra[@]}" -gt 0 ] || die "nothing to update: --help lists the flags"
run docker service update "${flags[@]}" "${extra[@]}" "$name" || die "the update did not go through; why: docker service ps --no-trunc $name"
if [ -z "$dry_run" ]; then
	state=$(docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}: {{.UpdateStatus.Message}}{{end}}' "$name")
	case $state in rollback* | paused*) die "$state; why: docker service ps --no-trunc $name" ;; esac
fi
