#!/bin/bash
# Runs in the guest of cgroup2.sh: the test programs that the host has compiled, one after the other.
cd /share/in/source || exit 1
# On the guest's own disk: tests link them, and execution from the machine's is slow.
cp -r /share/in/programs /share/in/tests /var/tmp/
export RQD_TEST_PROGRAMS=/var/tmp/programs
failed=0

docker info --format 'engine {{.ServerVersion}}, cgroup v{{.CgroupVersion}}, storage {{.Driver}}, {{.NCPU}} CPU'
echo "kernel $(uname -r), controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"

# left_out prints the tests of a package that cannot be shown here.
left_out() { sed -n "s|^$1 \+||p" scripts/cgroup2/tests.list | sed 's/ *#.*//'; }

# test_package PACKAGE runs its tests, two at a time although there is one CPU: half of the time they wait.
test_package() {
	local package=$1 program=/var/tmp/tests/${1//\//-} log=/share/out/${1//\//-}.log skip began=$SECONDS
	skip=$(left_out "$package")
	(cd "$package" && "$program" -test.v -test.timeout 30m -test.parallel 2 ${skip:+-test.skip "$skip"}) >"$log" 2>&1
	local status=$?
	printf '%-34s %s: %d passed, %d failed, %d skipped, %d s\n' "$package" "$([ $status = 0 ] && echo ok || echo FAILED)" \
		"$(grep -c '^ *--- PASS' "$log")" "$(grep -c '^ *--- FAIL' "$log")" "$(grep -c '^ *--- SKIP' "$log")" $((SECONDS - began))
	[ $status = 0 ] && return
	failed=$((failed + 1))
	# The failures and what they said, without the tests that passed.
	grep -v -e '^=== ' -e '^ *--- PASS' "$log" | tail -n 120
}

while read -r package; do test_package "$package"; done </share/in/packages
if left=$(docker ps -aq) && [ -n "$left" ]; then
	echo "containers were left behind:"
	docker ps -a
	failed=$((failed + 1))
fi
[ $failed = 0 ] && echo "all tests passed on cgroup v2" || echo "$failed packages FAILED on cgroup v2: whole logs are in .cache/cgroup2/last"
exit $((failed > 0))
