#!/usr/bin/env bash
# Creates the service that runs RQD on every node of a Swarm. Run it on a manager; docs/swarm.md explains each choice.
#
#   swarm-create.sh --image IMAGE --supervisor IMAGE [FLAG…] [-- FLAG OF docker service create…]
#
#   --image IMAGE             RQD's image (RQD_IMAGE)
#   --supervisor IMAGE        the supervisor's image (SUPERVISOR_IMAGE)
#   --cuebot HOSTS            Cuebots, separated by blanks (CUEBOT_HOSTNAME); not needed if rqd.conf names them
#   --conf FILE               rqd.conf (RQD_CONF); becomes a Swarm config
#   --grace SECONDS           what RQD gets between SIGTERM and SIGKILL (STOP_GRACE_SECONDS; default 10)
#   --order start-first       or stop-first: what an update does first (UPDATE_ORDER; default start-first)
#   --registry-config FILE    docker config.json with which RQD's image is pulled (RQD_REGISTRY_CONFIG); becomes a secret
#   --constraint EXPRESSION   only on these nodes, for example node.labels.render==true; may be repeated
#   --env NAME=VALUE          one more variable of the task, for example RQD_RUN_ARGS=…; may be repeated
#   --name NAME               name of the service (RQD_SERVICE; default rqd)
#   --dry-run                 print the docker commands and run none
source "$(dirname "${BASH_SOURCE[0]}")/swarm-lib.sh"

parse --image --supervisor --cuebot --conf --grace --order --registry-config --constraint --env -- "$@"
[ -n "$image" ] || die "--image is missing: want the image of RQD; --help lists the flags"
[ -n "$supervisor" ] || die "--supervisor is missing: want the image of the supervisor; --help lists the flags"
need_manager
grace=${grace:-10}
order=${order:-start-first}

flags=(
	--name "$name"
	--mode global
	--hostname '{{.Node.Hostname}}'
	--network host
	--mount 'type=bind,source=/var/run/docker.sock,target=/var/run/docker.sock'
	--env "RQD_IMAGE=$image"
	--env "STOP_GRACE_SECONDS=$grace"
	--stop-grace-period "$((grace + grace_margin))s"
	--restart-condition any --restart-delay 5s
	--update-order "$order" --update-parallelism 1 --update-monitor 10s
	--update-failure-action rollback --update-max-failure-ratio 0
	--rollback-order "$order" --rollback-parallelism 0 --rollback-monitor 10s
	--with-registry-auth
)
[ -z "$cuebot" ] || flags+=(--env "CUEBOT_HOSTNAME=$cuebot")
for e in "${env[@]}"; do flags+=(--env "$e"); done
for c in "${constraints[@]}"; do flags+=(--constraint "$c"); done
if [ -n "$conf" ]; then
	config=$(deposit config "$conf")
	flags+=(--config "source=$config,target=/etc/opencue/rqd.conf")
fi
if [ -n "$registry_config" ]; then
	secret=$(deposit secret "$registry_config")
	flags+=(--secret "source=$secret,target=registry.json" --env RQD_REGISTRY_CONFIG=/run/secrets/registry.json)
fi
run docker service create "${flags[@]}" "${extra[@]}" "$supervisor"
