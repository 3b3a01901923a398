package runargs

import (
	"maps"
	"slices"
)

// flag is one row of the table: how a docker run flag is read, or why it is not.
type flag struct {
	short   string
	boolean bool // It needs no value.
	read    func(value string, c Context) (change, error)
	refused string
}

// table is every flag that is known, by its long name.
func table() map[string]flag {
	flags := taken()
	maps.Copy(flags, refused())
	return flags
}

// taken are the flags that are put into RQD's spec.
func taken() map[string]flag {
	return map[string]flag{
		"--entrypoint":     {read: entrypoint},
		"--env":            {short: "-e", read: env},
		"--env-file":       {read: envFile},
		"--user":           {short: "-u", read: user},
		"--workdir":        {short: "-w", read: workdir},
		"--label":          {short: "-l", read: label},
		"--stop-signal":    {read: stopSignal},
		"--no-healthcheck": {boolean: true, read: noHealthcheck},

		"--mount":  {read: mount},
		"--volume": {short: "-v", read: volume},
		"--tmpfs":  {read: tmpfs},

		"--cpus":               {read: cpus},
		"--cpu-shares":         {short: "-c", read: cpuShares},
		"--cpuset-cpus":        {read: cpuset},
		"--memory":             {short: "-m", read: memory},
		"--memory-reservation": {read: memoryReservation},
		"--memory-swap":        {read: memorySwap},
		"--pids-limit":         {read: pidsLimit},
		"--shm-size":           {read: shmSize},
		"--oom-score-adj":      {read: oomScoreAdj},
		"--ulimit":             {read: ulimit},
		"--gpus":               {read: gpus},
		"--device":             {read: device},
		"--device-cgroup-rule": {read: deviceCgroupRule},

		"--privileged":   {boolean: true, read: privileged},
		"--cap-add":      {read: capAdd},
		"--cap-drop":     {read: capDrop},
		"--security-opt": {read: securityOpt},
		"--read-only":    {boolean: true, read: readOnly},

		"--pid":      {read: pid},
		"--ipc":      {read: ipc},
		"--uts":      {read: uts},
		"--userns":   {read: userns},
		"--cgroupns": {read: cgroupns},

		"--network":    {read: network},
		"--net":        {read: network},
		"--publish":    {short: "-p", read: publish},
		"--add-host":   {read: addHost},
		"--dns":        {read: dns},
		"--dns-search": {read: dnsSearch},
		"--dns-option": {read: dnsOption},
		"--dns-opt":    {read: dnsOption},

		"--log-driver": {read: logDriver},
		"--log-opt":    {read: logOpt},
	}
}

// refused are the flags that the supervisor decides itself.
func refused() map[string]flag {
	return map[string]flag{
		"--name":         {refused: "set RQD_NAME instead"},
		"--hostname":     {short: "-h", refused: "set RQD_HOSTNAME instead"},
		"--stop-timeout": {refused: "set STOP_GRACE_SECONDS instead"},
		"--pull":         {refused: "set RQD_PULL instead"},
		"--rm":           {boolean: true, refused: "the supervisor removes the container itself, once its exit code and output are read"},
		"--restart":      {refused: "the supervisor ends with RQD; leave restarts to Swarm's or compose's restart policy"},
		"--detach":       {short: "-d", boolean: true, refused: "the supervisor prints RQD's output itself"},
		"--attach":       {short: "-a", refused: "the supervisor prints RQD's output itself"},
		"--interactive":  {short: "-i", boolean: true, refused: "RQD reads no input"},
		"--tty":          {short: "-t", boolean: true, refused: "a terminal would mix RQD's two outputs"},
		"--sig-proxy":    {boolean: true, refused: "the supervisor forwards signals always"},
		"--cidfile":      {refused: "the container is always called RQD_NAME"},
	}
}

// lookup finds a flag by its long or short name.
func lookup(name string) (flag, bool) {
	flags := table()
	if f, ok := flags[name]; ok {
		return f, true
	}
	for _, f := range flags {
		if f.short == name {
			return f, true
		}
	}
	return flag{}, false
}

// known are the names of all flags that are taken, docker's hidden spellings apart.
func known() []string {
	var names []string
	flags := taken()
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		switch short := flags[name].short; {
		case name == "--net" || name == "--dns-opt":
		case short != "":
			names = append(names, name+" ("+short+")")
		default:
			names = append(names, name)
		}
	}
	return names
}
