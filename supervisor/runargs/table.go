package runargs

import (
	"cmp"
	"maps"
	"slices"
)

// flag is one row of the table: how a docker run flag is read, or why it is not.
type flag struct {
	name    string // The long name; lookup fills it in.
	short   string
	boolean bool   // It needs no value.
	file    bool   // It reads a file of values, which come before all single ones.
	once    bool   // A second one is refused.
	of      string // The flag that this is another spelling of, which docker does not list.
	read    func(value string, c Context) (change, error)
	refused string
}

// table is every flag of docker run, by its long name.
func table() map[string]flag {
	flags := map[string]flag{}
	for _, part := range []map[string]flag{processFlags(), placeFlags(), resourceFlags(), refusedFlags()} {
		maps.Copy(flags, part)
	}
	return flags
}

// processFlags are about what runs, and with which rights.
func processFlags() map[string]flag {
	return map[string]flag{
		"--domainname":  {read: domainname},
		"--entrypoint":  {read: entrypoint},
		"--env":         {short: "-e", read: env},
		"--env-file":    {read: envFile, file: true},
		"--group-add":   {read: groupAdd},
		"--init":        {boolean: true, read: initProcess},
		"--label":       {short: "-l", read: label},
		"--label-file":  {read: labelFile, file: true},
		"--runtime":     {read: runtime},
		"--stop-signal": {read: stopSignal},
		"--user":        {short: "-u", read: user},
		"--workdir":     {short: "-w", read: workdir},

		"--health-cmd":            {read: healthCmd},
		"--health-interval":       {read: healthInterval},
		"--health-retries":        {read: healthRetries},
		"--health-start-interval": {read: healthStartInterval},
		"--health-start-period":   {read: healthStartPeriod},
		"--health-timeout":        {read: healthTimeout},
		"--no-healthcheck":        {boolean: true, read: noHealthcheck},

		"--cap-add":      {read: capAdd},
		"--cap-drop":     {read: capDrop},
		"--privileged":   {boolean: true, read: privileged},
		"--read-only":    {boolean: true, read: readOnly},
		"--security-opt": {read: securityOpt},
		"--sysctl":       {read: sysctl},
	}
}

// placeFlags are about where it runs: mounts, namespaces, networks, logs.
func placeFlags() map[string]flag {
	return map[string]flag{
		"--mount":         {read: mount},
		"--storage-opt":   {read: storageOpt},
		"--tmpfs":         {read: tmpfs},
		"--volume":        {short: "-v", read: volume},
		"--volume-driver": {read: volumeDriver},
		"--volumes-from":  {read: volumesFrom},

		"--cgroupns": {read: cgroupns},
		"--ipc":      {read: ipc},
		"--pid":      {read: pid},
		"--userns":   {read: userns},
		"--uts":      {read: uts},

		"--add-host":      {read: addHost},
		"--dns":           {read: dns},
		"--dns-opt":       {read: dnsOption, of: "--dns-option"},
		"--dns-option":    {read: dnsOption},
		"--dns-search":    {read: dnsSearch},
		"--expose":        {read: expose},
		"--ip":            {read: ip},
		"--ip6":           {read: ip6},
		"--link":          {read: link},
		"--link-local-ip": {read: linkLocalIP},
		"--mac-address":   {read: macAddress},
		"--net":           {read: network, once: true, of: "--network"},
		"--net-alias":     {read: networkAlias, of: "--network-alias"},
		"--network":       {read: network, once: true},
		"--network-alias": {read: networkAlias},
		"--publish":       {short: "-p", read: publish},
		"--publish-all":   {short: "-P", boolean: true, read: publishAll},

		"--log-driver": {read: logDriver},
		"--log-opt":    {read: logOpt},
	}
}

// resourceFlags are about how much it may use.
func resourceFlags() map[string]flag {
	return map[string]flag{
		"--blkio-weight":        {read: blkioWeight},
		"--blkio-weight-device": {read: blkioWeightDevice},
		"--cgroup-parent":       {read: cgroupParent},
		"--cpu-period":          {read: cpuPeriod},
		"--cpu-quota":           {read: cpuQuota},
		"--cpu-rt-period":       {read: cpuRTPeriod},
		"--cpu-rt-runtime":      {read: cpuRTRuntime},
		"--cpu-shares":          {short: "-c", read: cpuShares},
		"--cpus":                {read: cpus},
		"--cpuset-cpus":         {read: cpuset},
		"--cpuset-mems":         {read: cpusetMems},
		"--device":              {read: device},
		"--device-cgroup-rule":  {read: deviceCgroupRule},
		"--device-read-bps":     {read: deviceReadBps},
		"--device-read-iops":    {read: deviceReadIOps},
		"--device-write-bps":    {read: deviceWriteBps},
		"--device-write-iops":   {read: deviceWriteIOps},
		"--gpus":                {read: gpus},
		"--memory":              {short: "-m", read: memory},
		"--memory-reservation":  {read: memoryReservation},
		"--memory-swap":         {read: memorySwap},
		"--memory-swappiness":   {read: swappiness},
		"--oom-kill-disable":    {boolean: true, read: oomKillDisable},
		"--oom-score-adj":       {read: oomScoreAdj},
		"--pids-limit":          {read: pidsLimit},
		"--shm-size":            {read: shmSize},
		"--ulimit":              {read: ulimit},
	}
}

// What docker run has and RQD cannot have, and why.
const (
	notAttached = "the supervisor prints RQD's output itself"
	windowsOnly = "it is for Windows"
)

// refusedFlags are the flags that the supervisor decides itself, and those that make no sense for RQD.
func refusedFlags() map[string]flag {
	return map[string]flag{
		"--hostname":     {short: "-h", refused: "set RQD_HOSTNAME instead"},
		"--name":         {refused: "set RQD_NAME instead"},
		"--platform":     {refused: "RQD runs on the engine's own platform; name an image for another one by its digest in RQD_IMAGE"},
		"--pull":         {refused: "set RQD_PULL instead"},
		"--restart":      {refused: "the supervisor ends with RQD; leave restarts to Swarm's or compose's restart policy"},
		"--rm":           {boolean: true, refused: "the supervisor removes the container itself, once its exit code and output are read"},
		"--stop-timeout": {refused: "set STOP_GRACE_SECONDS instead"},

		"--attach":      {short: "-a", refused: notAttached},
		"--detach":      {short: "-d", boolean: true, refused: notAttached},
		"--detach-keys": {refused: notAttached},
		"--interactive": {short: "-i", boolean: true, refused: "RQD reads no input"},
		"--quiet":       {short: "-q", boolean: true, refused: "set SUPERVISOR_LOG_LEVEL instead"},
		"--sig-proxy":   {boolean: true, refused: "the supervisor forwards signals always"},
		"--tty":         {short: "-t", boolean: true, refused: "a terminal would mix RQD's two outputs"},

		"--annotation":            {refused: "engines before 25.0 forget it without a word"},
		"--cidfile":               {refused: "the container is always called RQD_NAME"},
		"--disable-content-trust": {boolean: true, refused: "the engine knows no content trust; pin RQD_IMAGE by its digest"},
		"--help":                  {boolean: true, refused: "`docker run --help` has docker's words, docs/run-args.md ours"},
		"--kernel-memory":         {refused: "engines since 23.0 ignore it; set --memory"},
		"--use-api-socket":        {boolean: true, refused: "RQD has the engine's socket"},

		"--cpu-count":       {refused: windowsOnly},
		"--cpu-percent":     {refused: windowsOnly},
		"--io-maxbandwidth": {refused: windowsOnly},
		"--io-maxiops":      {refused: windowsOnly},
		"--isolation":       {refused: windowsOnly},
	}
}

// lookup finds a flag by its long or short name.
func lookup(name string) (flag, bool) {
	for long, f := range table() {
		if long == name || f.short == name {
			f.name = cmp.Or(f.of, long)
			return f, true
		}
	}
	return flag{}, false
}

// known are the names of all flags that are taken.
func known() []string {
	var names []string
	flags := table()
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		switch f := flags[name]; {
		case f.of != "" || f.refused != "":
		case f.short != "":
			names = append(names, name+" ("+f.short+")")
		default:
			names = append(names, name)
		}
	}
	return names
}
