# Sourced by the scripts that make a Debian of its packages, on Debian as on another distribution that has debootstrap.
# shellcheck shell=bash

debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

need_debian_keyring() {
	[ -e "$debian_keyring" ] || apt_install debian-archive-keyring ||
		die "Debian's keys are needed to make a Debian where no hub is reached: install debian-archive-keyring"
}

# debootstrap_into DIR SUITE PACKAGES makes a minimal Debian with more packages, separated by commas. debootstrap must be root: it
# makes device nodes and changes its root.
debootstrap_into() {
	local dir=$1 suite=$2 packages=$3 mirror log
	PATH=$PATH:/usr/sbin:/sbin need debootstrap debootstrap || die "debootstrap is needed to make a Debian where no hub is reached"
	need_debian_keyring
	mirror=$(debian_mirror)
	log=$(mktemp)
	say "making Debian $suite with $packages by debootstrap from $mirror: about a minute, once"
	# shellcheck disable=SC2046 # the proxy is nothing or one word.
	if ! as_root env $(apt_proxy) debootstrap --variant=minbase --keyring="$debian_keyring" --include="$packages" \
		"$suite" "$dir" "$mirror" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		as_root tail -n 5 "$dir/debootstrap/debootstrap.log" >&2 || true
		as_root rm -rf "$dir" "$log"
		die "debootstrap failed; RQD_DEBIAN_MIRROR sets another mirror"
	fi
	rm -f "$log"
}

# debian_mirror is where this machine gets Debian from, or Debian's default where it is another distribution.
debian_mirror() {
	if [ -n "${RQD_DEBIAN_MIRROR:-}" ]; then
		printf '%s\n' "$RQD_DEBIAN_MIRROR"
		return 0
	fi
	local uri
	# shellcheck disable=SC2016 # apt expands these.
	uri=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
		sed -n 's/ Debian Debian$//p' | head -n 1)
	case $uri in
	mirror+file:*) uri=$(grep -m 1 -o '^[a-z]*://[^[:space:]]*' "${uri#mirror+file:}" 2>/dev/null) || uri= ;;
	esac
	case $uri in
	http://* | https://*) printf '%s\n' "${uri%/}" ;;
	*) printf 'http://deb.debian.org/debian\n' ;;
	esac
}

# apt_proxy hands apt's proxy on to debootstrap, which does not read apt's settings.
apt_proxy() {
	local proxy
	proxy=$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null | sed -n "s/^proxy='\(.*\)'$/\1/p")
	if [ -n "$proxy" ] && [ "$proxy" != DIRECT ]; then printf 'http_proxy=%s\n' "$proxy"; fi
}
