#!/usr/bin/env bash
# Builds the images, on a machine that reaches a hub as on one that does not.
#
#   images.sh [NAME…]   all, or of: rqd-supervisor rqdcore rqd-minicue rqd-frame-busybox rqd-frame-debian12
#
# Our own binaries are built on the host (make build) and put into the last stage of their Dockerfile, which is
# FROM scratch. RQD_IMAGES_FROM=hub or host overrides the guess where the frame images come from;
# RQD_DEBIAN_MIRROR the Debian mirror. Nothing changed: nothing is built again.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/debian-lib.sh"

tag=${RQD_IMAGES_TAG:-dev}
suite=bookworm
recipe_label=org.rqdswarm.recipe

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }
image_label() { docker image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null; }

# build IMAGE CONTEXT ARGUMENT… builds, and shows the builder's words only when it fails.
build() {
	local image=$1 context=$2 before log
	shift 2
	before=$(image_id "$image") || before=
	log=$(mktemp)
	# A docker command without buildx has the old builder, and says so at length.
	docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
	if ! docker build -t "$image" "$@" "$context" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
	done_with "$image" "$before"
}

# done_with says what came out, and takes the image away that had the name before, unless it is in use.
done_with() {
	local image=$1 before=$2 now
	now=$(image_id "$image")
	if [ "$now" = "$before" ]; then
		say "$image is up to date"
		return 0
	fi
	say "$image: $(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si) bytes"
	[ -z "$before" ] || docker image rm "$before" >/dev/null 2>&1 || true
}

# last_stage prints a Dockerfile's last stage with the binary taken from the context instead of from the stages before.
last_stage() {
	sed -n -e '/^FROM scratch$/,$p' "$1" | sed -e 's|^COPY --from=build /out/|COPY |' |
		if knows_start_interval; then sed -e 's|^HEALTHCHECK |&--start-interval=1s |'; else cat; fi
}

# knows_start_interval: engines since 25 (API 1.44) probe more often while a container starts, if the builder knows too.
knows_start_interval() {
	local api
	api=$(docker version --format '{{.Server.APIVersion}}') && docker buildx version >/dev/null 2>&1 &&
		[ "$(printf '%s\n1.44\n' "$api" | sort -V | head -n 1)" = 1.44 ]
}

# prebuilt NAME DOCKERFILE BINARY makes an image of one binary that make build has built.
prebuilt() {
	local image=$1:$tag dockerfile=$root/$2 binary=$root/bin/$3 context
	[ -x "$binary" ] || die "$binary is missing: run make build"
	context=$(mktemp -d)
	last_stage "$dockerfile" >"$context/Dockerfile"
	cp "$binary" "$context/$3"
	build "$image" "$context" || die "$image could not be built"
	rm -rf "$context"
}

# hub_reached guesses in 3 s at most. A hub that the engine reaches by a proxy of its own is tried, too.
hub_reached() {
	case ${RQD_IMAGES_FROM:-} in
	hub) return 0 ;;
	host) return 1 ;;
	"") ;;
	*) die "RQD_IMAGES_FROM is ${RQD_IMAGES_FROM}: want hub or host" ;;
	esac
	[ -z "$(docker info --format '{{.HTTPSProxy}}' 2>/dev/null)" ] || return 0
	timeout 3 bash -c '</dev/tcp/registry-1.docker.io/443' 2>/dev/null
}

# recipe DIRECTORY FUNCTION is a sum of everything that an image is made from.
recipe() {
	{
		cat "$root/images/$1/Dockerfile"
		cat "$root/images/$1/packages" 2>/dev/null || true
		declare -f "$2" debootstrap_tar debootstrap_into
	} | sha256sum | cut -c 1-16
}

# frame_image DIRECTORY FROM_HOST makes a frame image: from a hub, or else by the function FROM_HOST.
frame_image() {
	local directory=$1 from_host=$2 image=rqd-$1:$tag sum
	sum=$(recipe "$directory" "$from_host")
	if [ "$(image_label "$image" "$recipe_label")" = "$sum" ]; then
		say "$image is up to date"
		return 0
	fi
	if hub_reached; then
		say "building $image from a hub's base image"
		build "$image" "$root/images/$directory" --label "$recipe_label=$sum" && return 0
		say "that failed: making it from Debian's packages instead"
	fi
	"$from_host" "$image" "$sum"
}

busybox_from_host() {
	local image=$1 sum=$2 context busybox=/bin/busybox
	context=$(mktemp -d)
	chmod 0755 "$context"
	if ! dpkg -s busybox-static >/dev/null 2>&1; then
		(cd "$context" && apt_download busybox-static &&
			dpkg-deb -x busybox-static_*.deb .) || die "cannot fetch the package busybox-static for $image"
		busybox=$(find "$context" -type f -name busybox -perm -u+x | head -n 1)
	fi
	mkdir "$context/image"
	last_stage "$root/images/frame-busybox/Dockerfile" >"$context/image/Dockerfile"
	cp "$busybox" "$context/image/busybox"
	build "$image" "$context/image" --network none --label "$recipe_label=$sum" || die "$image could not be built"
	rm -rf "$context"
}

# debian12_from_host makes the smallest Debian that has the packages. The root file system is kept: an image that
# was removed is back in seconds.
debian12_from_host() {
	local image=$1 sum=$2 before kept=$cache/frame-debian12-$2.tar
	before=$(image_id "$image") || before=
	if [ ! -s "$kept" ]; then
		mkdir -p "$cache"
		rm -f "$cache"/frame-debian12-*.tar
		debootstrap_tar "$kept"
	fi
	docker import -c 'CMD ["/bin/bash"]' -c "LABEL $recipe_label=$sum" \
		-c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$kept" "$image" >/dev/null ||
		die "$image could not be imported"
	done_with "$image" "$before"
}

# debootstrap_tar FILE makes the root file system.
debootstrap_tar() {
	local file=$1 work packages
	packages=$(paste -sd , "$root/images/frame-debian12/packages")
	work=$(mktemp -d)
	chmod 0755 "$work"
	debootstrap_into "$work/root" "$suite" "$packages"
	as_root tar -C "$work/root" -c --numeric-owner --one-file-system \
		--exclude='./var/lib/apt/lists/*' --exclude='./var/cache/*' --exclude='./var/log/*' --exclude='./dev/*' --exclude='./proc/*' \
		--exclude='./sys/*' --exclude='./debootstrap' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
		--exclude='./usr/share/locale/*' --exclude='./etc/hostname' --exclude='./etc/resolv.conf' . >"$file.new"
	as_root rm -rf "$work"
	mv "$file.new" "$file"
}

have docker || die "no docker command: run scripts/engine.sh"
lock images
[ $# -gt 0 ] || set -- rqd-supervisor rqdcore rqd-minicue rqd-frame-busybox rqd-frame-debian12
for name in "$@"; do
	case $name in
	rqd-supervisor) prebuilt "$name" Dockerfile supervisor ;;
	rqdcore) prebuilt "$name" images/rqd/Dockerfile rqdcore ;;
	rqd-minicue) prebuilt "$name" images/minicue/Dockerfile minicue ;;
	rqd-frame-busybox) frame_image frame-busybox busybox_from_host ;;
	rqd-frame-debian12) frame_image frame-debian12 debian12_from_host ;;
	*) die "no image $name: there are rqd-supervisor rqdcore rqd-minicue rqd-frame-busybox rqd-frame-debian12" ;;
	esac
done
