//go:build integration

package runargs

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/shlex"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// lines are given to docker create and to Parse; The words in capitals are replaced by what there is.
func lines() []string {
	return []string{
		"", "--entrypoint /bin/rqd", "--entrypoint '' -- sh", "--user 0:0 --workdir /srv --stop-signal SIGINT", "-uroot -w/opt -- cmd -c /x",
		"--env A=1 -e B='x y' -eC=3 --env=A=2 --env EMPTY=", "--env-file DIR/env --env A=own --env D=4", "--env A=own --env-file DIR/env",
		"--label a=b -l c --label d=e=f --label-file DIR/labels", "--domainname lan --group-add video --group-add 44", "--runtime runc", "--init", "--init=false",
		"--health-cmd 'rqdcore health' --health-interval 1s --health-timeout=2s --health-retries 3 --health-start-period 4s", "--health-interval 0s", "--health-retries 2", "--no-healthcheck",
		"--privileged --read-only", "--cap-add SYS_PTRACE --cap-add cap_sys_nice --cap-drop all", "--sysctl kernel.msgmax=65536",
		"--security-opt seccomp=DIR/profile --security-opt apparmor=unconfined --security-opt no-new-privileges --security-opt systempaths=unconfined", "--security-opt label=disable --security-opt seccomp=unconfined",

		"--mount type=bind,source=/usr,target=/net,bind-propagation=rslave,readonly", "--mount type=bind,src=/usr,dst=/a,bind-recursive=disabled", "--mount type=bind,src=/usr,dst=/a,ro,bind-recursive=writable",
		"--mount type=tmpfs,target=/scratch,tmpfs-size=1g,tmpfs-mode=1777", "--mount type=tmpfs,target=/scratch", "--tmpfs /run:size=64m --tmpfs /other",
		"--mount source=VOL,target=/v", "--mount type=volume,target=/anonymous,volume-nocopy", "--mount source=VOL,target=/v,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-label=l=1,ro",
		"-v /usr:/shows:ro,rslave -v VOL:/cache --volume /anon", "-v /usr:/x -v VOL:/y:nocopy -v /lib:/z:ro,Z -v VOL:/w:z", "--volume-driver local -v VOL:/v", "--volumes-from NEIGHBOUR:ro",

		"--cpus 1.5 --cpu-shares 512", "-c 10 --cpuset-cpus 0-1 --cpuset-mems 0", "--cpu-period 100000 --cpu-quota 50000", "--memory 2g --memory-reservation 512m --memory-swap 3g", "-m1g --memory-swap -1",
		"--pids-limit 100 --shm-size=64m --oom-score-adj -500", "--pids-limit -1", "--ulimit nofile=1024:2048 --ulimit memlock=-1 --ulimit core=0", "--memory-swappiness 10 --oom-kill-disable -m 1g", "--cgroup-parent /rqd-test",
		"--gpus all", `--gpus '"device=0,2"'`, `--gpus '"driver=nvidia,count=2,capabilities=compute"'`,
		"--device /dev/null --device /dev/zero:/dev/b:r --device /dev/full:rw --device-cgroup-rule 'c 195:* rmw'",
		"--blkio-weight 500 --blkio-weight-device DISK:100 --device-read-bps DISK:1mb --device-write-bps DISK:2mb --device-read-iops DISK:3 --device-write-iops DISK:4",

		"--pid host --ipc host --uts host --userns host --cgroupns host --network host", "--pid container:NEIGHBOUR --network container:NEIGHBOUR --ipc container:NEIGHBOUR", "--ipc none --cgroupns private",
		"--network NET --network-alias a --net-alias b --ip 10.97.7.9 --link NEIGHBOUR:d", "--network name=NET,alias=a,ip=10.97.7.10,driver-opt=k=v", "--network NET --link-local-ip 169.254.1.1", "--network NET6 --ip6 fd97::9", "--net none",
		"--link NEIGHBOUR:d --network bridge",
		"--publish mode=host,target=8444,published=8444", "--network bridge -p 8444 -p 9444:8444/udp -p127.0.0.1::80 -p [::1]:81:80 -p 7000-7001:7100-7101", "--expose 9000-9001/udp --expose 80 -P",
		"--add-host licence=10.0.0.7 --add-host b:[::1] --add-host gw:host-gateway", "--dns 10.0.0.1 --dns-search show.lan --dns-search . --dns-option ndots:2 --dns-opt rotate",
		"--log-driver local --log-opt max-size=1m --log-opt max-file=2", "--log-driver none", "--log-opt max-size=1m",
	}
}

// untried are flags whose values this machine's engine refuses from docker as well, each with the reason.
func untried() map[string]string {
	return map[string]string{
		"--cpu-rt-period":         "the kernel has no real-time groups",
		"--cpu-rt-runtime":        "the kernel has no real-time groups",
		"--health-start-interval": "engines before 25.0 refuse it",
		"--storage-opt":           "overlay2 has a size only on xfs",
		"--mac-address":           "docker 28 sends it to engines since 25.0 only; see the test below",
	}
}

// TestDockerMakesTheSameOfIt gives each line to docker create and to Parse, and compares what the engine made.
func TestDockerMakesTheSameOfIt(t *testing.T) {
	b := newBench(t)
	image := enginetest.Busybox(t)
	for _, line := range lines() {
		line = b.names.Replace(line)
		t.Run(line, func(t *testing.T) { b.compare(t, line, image) })
	}
}

func (b *bench) compare(t *testing.T, line, image string) {
	b.t = t
	words, err := shlex.Split(line)
	if err != nil {
		t.Fatal(err)
	}
	var command []string
	if end := slices.Index(words, "--"); end >= 0 { // The image stands between the flags and the command.
		words, command = words[:end], words[end+1:]
	}
	args := []string{"create"}
	for k, v := range b.labels {
		args = append(args, "--label", k+"="+v)
	}
	theirs := b.docker(slices.Concat(args, words, []string{image}, command)...)
	apply, err := Parse(line, b.context)
	if err != nil {
		t.Fatal(err)
	}
	s := engine.Spec{Image: image}
	apply(&s)
	ours := b.create(s)
	made := b.inspect(theirs, ours)
	if diff := cmp.Diff(made[0], made[1]); diff != "" {
		t.Errorf("(-docker +ours):\n%s", diff)
	}
}

// TestMACAddress is for engines of every age.
func TestMACAddress(t *testing.T) {
	b := newBench(t)
	for _, line := range []string{"--network bridge --mac-address 02:42:00:00:00:01", "--network NET --mac-address 02:42:00:00:00:01", "--network name=NET,mac-address=02:42:00:00:00:01"} {
		apply, err := Parse(b.names.Replace(line), b.context)
		if err != nil {
			t.Fatal(err)
		}
		s := engine.Spec{Image: enginetest.Busybox(t), Cmd: []string{"cat", "/sys/class/net/eth0/address"}}
		apply(&s)
		id := b.create(s)
		if have := b.docker("start", "--attach", id); have != "02:42:00:00:00:01" {
			t.Errorf("%s: want the address, have %s", line, have)
		}
	}
}

// TestEveryFlagOfDocker reads docker's own list: each is in the table, and each that is taken is in a line above.
func TestEveryFlagOfDocker(t *testing.T) {
	help, err := exec.Command("docker", "run", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("docker run --help: %v: %s", err, help)
	}
	flags := table()
	all := regexp.MustCompile(`(?m)^ +(?:(-[a-zA-Z]), )?(--[a-z0-9-]+)`).FindAllStringSubmatch(string(help), -1)
	if len(all) < 90 {
		t.Fatalf("want docker's flags, have %d", len(all))
	}
	for _, match := range all {
		f, ok := flags[match[2]]
		if !ok || f.short != match[1] {
			t.Errorf("docker has %q %s, the table %q (%t)", match[1], match[2], f.short, ok)
		}
	}
	text := strings.Join(lines(), " ")
	for name, f := range flags {
		tried := strings.Contains(text, name+" ") || strings.Contains(text, name+"=") || strings.HasSuffix(text, name) || (f.short != "" && strings.Contains(text, " "+f.short))
		if _, known := untried()[name]; f.refused == "" && !tried && !known {
			t.Errorf("%s: no line tries it", name)
		}
	}
}
