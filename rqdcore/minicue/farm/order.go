package farm

import (
	"maps"
	"strconv"
)

// Order is a frame to be launched on a host: the content of rqd.RunFrame.
type Order struct {
	Host        string
	ResourceID  string
	JobID       string
	JobName     string
	FrameID     string
	FrameName   string
	LayerID     string
	Command     string
	User        string
	UID         *int32
	LogDir      string
	Show        string
	Shot        string
	OS          string
	StartTime   int64 // Epoch milliseconds.
	Cores       Points
	GPUs        int32
	SoftMemory  int64 // KiB.
	HardMemory  int64 // KiB.
	Environment map[string]string
}

// order is what the proc is told to run. The proc has its frame already.
func (f *Farm) order(p *proc) Order {
	fr := p.frame
	j := fr.job
	return Order{
		Host: p.host.name, ResourceID: p.id,
		JobID: j.id, JobName: j.name, FrameID: fr.id, FrameName: fr.name, LayerID: j.layerID,
		Command: j.spec.substituted(fr.number), User: j.spec.User, UID: j.spec.UID,
		LogDir: j.logDir, Show: j.spec.Show, Shot: j.spec.Shot, OS: j.spec.OS,
		StartTime: fr.started.UnixMilli(), Cores: p.cores, GPUs: p.gpus,
		SoftMemory: j.memory * 16 / 10, HardMemory: j.memory * 2,
		Environment: environment(p),
	}
}

// environment has the job's own variables and, over them, those that every frame gets from Cuebot.
func environment(p *proc) map[string]string {
	fr := p.frame
	j := fr.job
	env := map[string]string{}
	maps.Copy(env, j.spec.Env)
	threadable := "0"
	if j.spec.Threadable {
		threadable = "1"
	}
	maps.Copy(env, map[string]string{
		"CUE3":           "1",
		"CUE_THREADS":    strconv.Itoa(max(1, int(p.cores)/100)),
		"CUE_MEMORY":     strconv.FormatInt(j.memory, 10),
		"CUE_GPUS":       strconv.Itoa(int(p.gpus)),
		"CUE_GPU_MEMORY": "0",
		"CUE_LOG_PATH":   j.logDir,
		"CUE_RANGE":      j.spec.Range,
		"CUE_CHUNK":      "1",
		"CUE_IFRAME":     strconv.Itoa(fr.number),
		"CUE_LAYER":      j.spec.Layer,
		"CUE_JOB":        j.name,
		"CUE_FRAME":      fr.name,
		"CUE_SHOW":       j.spec.Show,
		"CUE_SHOT":       j.spec.Shot,
		"CUE_USER":       j.spec.User,
		"CUE_JOB_ID":     j.id,
		"CUE_LAYER_ID":   j.layerID,
		"CUE_FRAME_ID":   fr.id,
		"CUE_THREADABLE": threadable,
	})
	return env
}
