# Sourced by the scripts that look after the service: reads their flags, and shows and runs their docker commands.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what parse sets.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What the flags set, with the variables that may set it as well.
name=${RQD_SERVICE:-rqd}
image=${RQD_IMAGE:-}
supervisor=${SUPERVISOR_IMAGE:-}
cuebot=${CUEBOT_HOSTNAME:-}
conf=${RQD_CONF:-}
grace=${STOP_GRACE_SECONDS:-}
order=${UPDATE_ORDER:-}
registry_config=${RQD_REGISTRY_CONFIG:-}
env=()
constraints=()
extra=()
dry_run=

# Swarm kills the supervisor after the service's stop grace period. The supervisor needs this much more than RQD: a
# moment to see who else is there, RQD's last lines, and a slow engine.
grace_margin=20

# usage prints the comment at the head of the script.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# parse KNOWN… -- ARGUMENT… reads the arguments; KNOWN are the flags that the script has. What follows a -- is for docker.
parse() {
	local known=' --help --dry-run --name ' flag value
	while [ "$1" != -- ]; do
		known+="$1 "
		shift
	done
	shift
	while [ $# -gt 0 ]; do
		flag=${1%%=*}
		if [ "$1" = -- ]; then
			shift
			extra=("$@")
			return 0
		fi
		case $known in *" $flag "*) ;; *) die "no flag $flag: there are$known" ;; esac
		case $flag in
		--help) usage && exit 0 ;;
		--dry-run) dry_run=1 && shift && continue ;;
		esac
		case $1 in
		*=*) value=${1#*=} && shift ;;
		*)
			[ $# -ge 2 ] || die "$flag needs a value"
			value=$2
			shift 2
			;;
		esac
		take "$flag" "$value"
	done
}

take() {
	case $1 in
	--name) name=$2 ;;
	--image) image=$2 ;;
	--supervisor) supervisor=$2 ;;
	--cuebot) cuebot=$2 ;;
	--conf) conf=$2 ;;
	--registry-config) registry_config=$2 ;;
	--env) env+=("$2") ;;
	--constraint) constraints+=("$2") ;;
	--grace)
		case $2 in '' | *[!0-9]*) die "--grace $2: want whole seconds" ;; esac
		grace=$2
		;;
	--order)
		case $2 in start-first | stop-first) order=$2 ;; *) die "--order $2: want start-first or stop-first" ;; esac
		;;
	esac
}

# quoted prints a command so that a shell would read it again.
quoted() {
	local word line=
	for word; do
		case $word in
		'' | *[!A-Za-z0-9_@%+=:,./-]*) word="'${word//\'/\'\\\'\'}'" ;;
		esac
		line+="${line:+ }$word"
	done
	printf '%s\n' "$line"
}

# run shows a docker command and runs it; with --dry-run it goes to stdout instead.
run() {
	if [ -n "$dry_run" ]; then
		quoted "$@"
	else
		quoted "$@" >&2
		"$@"
	fi
}

# deposit KIND FILE gives the Swarm a file and prints its name. Neither a config nor a secret can be changed, so the name
# holds the content's sum: a new content is a new one, and a rollback finds the old.
deposit() {
	local kind=$1 file=$2 sum deposited
	[ -r "$file" ] || die "cannot read $file"
	sum=$(sha256sum <"$file" | cut -c 1-12)
	deposited=$name-$(basename "$file")-$sum
	local create=(docker "$kind" create --label "org.rqdswarm.service=$name" "$deposited" "$file")
	# stdout is where the name goes.
	if [ -n "$dry_run" ]; then
		run "${create[@]}" >&3
	elif ! docker "$kind" inspect "$deposited" >/dev/null 2>&1; then
		run "${create[@]}" >/dev/null
	fi
	printf '%s\n' "$deposited"
}

# need_manager says at once what every docker service command would say later.
need_manager() {
	[ -z "$dry_run" ] || return 0
	have docker || die "no docker command on this machine"
	[ "$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)" = true ] ||
		die "the engine here is no manager of a Swarm: run this on one, or set DOCKER_HOST; docker swarm init makes a Swarm"
}

need_service() {
	need_manager
	[ -n "$dry_run" ] || docker service inspect "$name" >/dev/null 2>&1 || die "there is no service $name: docker service ls"
}

# The script's own stdout, for functions whose stdout is taken.
exec 3>&1
