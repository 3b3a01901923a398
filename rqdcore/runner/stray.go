package runner

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/wire"
	"rqdswarm/rqdcore/frame"
)

// Stray is a container of a frame of this host that no promise is known of: the state volume was
// lost, or a document of it. Its labels make up for the promise.
type Stray struct {
	Promise Promise
	Running bool
	Lacks   []string // What the promise needs and the container does not tell.
}

// labels are what a promise can be recovered by.
func (p Policy) labels(pr Promise) map[string]string {
	f, r := pr.Frame, pr.Reservation
	labels := map[string]string{
		LabelRole: RoleFrame, LabelHost: p.HostName, LabelFrame: f.ID, LabelJob: f.JobID, LabelLayer: f.LayerID, LabelResource: f.ResourceID,
		LabelInit: p.FrameInit, LabelCores: itoa(int(f.Cores)), LabelCPUs: joinInts(r.CPUs), LabelGPUs: joinInts(r.GPUs),
		LabelStart: strconv.FormatInt(f.StartTime, 10), LabelJobName: f.JobName, LabelName: f.Name, LabelLogDir: f.LogDir,
	}
	if f.UID != nil {
		labels[LabelUID] = itoa(int(*f.UID))
	}
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	return labels
}

// Strays lists the containers of this host's frames but the known ones, the newest dispatch first.
func (r *Runner) Strays(ctx context.Context, known func(container string) bool) ([]Stray, error) {
	list, err := r.cfg.Containers.List(ctx, map[string]string{LabelRole: RoleFrame, LabelHost: r.cfg.Policy.HostName})
	if err != nil {
		return nil, err
	}
	var strays []Stray
	for _, c := range list {
		if known(c.Name) {
			continue
		}
		c, err := r.cfg.Containers.Inspect(ctx, c.ID)
		if engine.IsGone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		strays = append(strays, strayOf(c))
	}
	slices.SortStableFunc(strays, func(a, b Stray) int {
		return cmp.Compare(b.Promise.Frame.StartTime, a.Promise.Frame.StartTime)
	})
	return strays, nil
}

// strayOf reads a promise from a container.
func strayOf(c engine.Container) Stray {
	l := labelReader{labels: c.Labels}
	f := frame.Frame{
		ID: l.text(LabelFrame), ResourceID: l.text(LabelResource), JobID: l.text(LabelJob), LayerID: l.text(LabelLayer),
		JobName: l.text(LabelJobName), Name: l.text(LabelName), LogDir: l.text(LabelLogDir),
		Cores: frame.CorePoints(l.number(LabelCores)), StartTime: l.number(LabelStart), // #nosec G115 -- RQD wrote it from one.
	}
	r := frame.Reservation{Cores: f.Cores, CPUs: l.list(LabelCPUs), GPUs: l.list(LabelGPUs)}
	f.GPUs = int32(len(r.GPUs)) // #nosec G115 -- no host has that many.
	if c.Labels[LabelUID] != "" {
		f.UID = new(int32(l.number(LabelUID))) // #nosec G115 -- RQD wrote it from one.
	}
	token := tokenOf(c.Env)
	if token == "" {
		l.lacks = append(l.lacks, wire.TokenEnv)
	}
	return Stray{Running: c.State == engine.StateRunning || c.State == engine.StatePaused, Lacks: l.lacks, Promise: Promise{
		Version: promiseVersion, Frame: f, Reservation: r, Token: token, Container: c.Name, Accepted: c.Created, Recovered: true,
	}}
}

func tokenOf(env []string) string {
	for _, entry := range env {
		if token, ok := strings.CutPrefix(entry, wire.TokenEnv+"="); ok {
			return token
		}
	}
	return ""
}

// labelReader reads labels and notes those that are missing or make no sense.
type labelReader struct {
	labels map[string]string
	lacks  []string
}

func (l *labelReader) text(label string) string {
	value := l.labels[label]
	if value == "" {
		l.lacks = append(l.lacks, label)
	}
	return value
}

func (l *labelReader) number(label string) int64 {
	n, err := strconv.ParseInt(l.labels[label], 10, 64)
	if err != nil {
		l.lacks = append(l.lacks, label)
	}
	return n
}

// list may be missing: then it is empty.
func (l *labelReader) list(label string) []int {
	var list []int
	for text := range strings.SplitSeq(l.labels[label], ",") {
		if n, err := strconv.Atoi(text); err == nil {
			list = append(list, n)
		} else if text != "" {
			l.lacks = append(l.lacks, label)
		}
	}
	return list
}

// Destroy removes the job's container, running or not, and returns when nothing of it is left.
func (r *Runner) Destroy(ctx context.Context, j *Job) error {
	x := &run{Runner: r, job: j, log: r.cfg.Log}
	if err := x.ensureGone(ctx); err != nil {
		return errors.Join(errors.New("container "+j.promise.Container+" cannot be removed"), err)
	}
	return nil
}
