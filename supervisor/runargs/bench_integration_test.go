//go:build integration

package runargs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

// bench is a real engine with what the lines name on it.
type bench struct {
	t       *testing.T
	client  *engine.Client
	dir     string
	names   *strings.Replacer
	labels  map[string]string
	context Context
}

func newBench(t *testing.T) *bench {
	t.Helper()
	client := enginetest.Dial(t)
	b := &bench{t: t, client: client, dir: t.TempDir(), labels: enginetest.Scope(t, client)}
	files := testContext()
	for _, name := range []string{"env", "labels", "profile"} {
		content, err := files.ReadFile("/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("FROM_TASK", "t")
	b.context = Context{Environ: os.Environ(), ReadFile: os.ReadFile}
	network, network6, volume := "rqd-test-net", "rqd-test-net6", "rqd-test-runargs"
	b.docker("network", "create", "--subnet", "10.97.7.0/24", network)
	b.docker("network", "create", "--ipv6", "--subnet", "fd97::/64", network6)
	b.docker("volume", "create", "--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--label", "l=1", volume)
	t.Cleanup(func() {
		_ = exec.Command("docker", "network", "rm", network, network6).Run()
		_ = exec.Command("docker", "volume", "rm", "--force", volume).Run()
	})
	neighbour := b.create(engine.Spec{Image: enginetest.Busybox(t), Name: "rqd-test-neighbour", Cmd: []string{"sleep", "600"}, Mounts: []engine.Mount{{Type: engine.MountVolume, Source: volume, Target: "/data"}}})
	if err := client.Start(t.Context(), neighbour); err != nil {
		t.Fatal(err)
	}
	b.names = strings.NewReplacer("DIR", b.dir, "NEIGHBOUR", "rqd-test-neighbour", "NET6", network6, "NET", network, "VOL", volume, "DISK", disk(t))
	return b
}

// disk is a block device of this machine.
func disk(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir("/sys/block")
	if err != nil || len(entries) == 0 {
		t.Fatalf("want a block device, have %v, %v", entries, err)
	}
	for _, e := range entries {
		if _, err := os.Stat("/dev/" + e.Name()); err == nil {
			return "/dev/" + e.Name()
		}
	}
	t.Fatal("want a block device in /dev, have none")
	return ""
}

func (b *bench) docker(args ...string) string {
	b.t.Helper()
	var stderr strings.Builder
	c := exec.Command("docker", args...)
	c.Stderr = &stderr // Beside an answer there may be warnings.
	out, err := c.Output()
	if err != nil {
		b.t.Fatalf("docker %q: %v: %s", args, err, &stderr)
	}
	return strings.TrimSpace(string(out))
}

func (b *bench) create(s engine.Spec) string {
	b.t.Helper()
	s.Labels = merged(s.Labels, b.labels)
	id, _, err := b.client.Create(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func merged(own, more map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{own, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// inspect are the containers without what always differs, and without what is not set: docker sends zeros for that, we nothing.
func (b *bench) inspect(ids ...string) (made []map[string]any) {
	b.t.Helper()
	var all []map[string]any
	if err := json.Unmarshal([]byte(b.docker(append([]string{"inspect"}, ids...)...)), &all); err != nil {
		b.t.Fatal(err)
	}
	for i, c := range all {
		config, host := c["Config"].(map[string]any), c["HostConfig"].(map[string]any)
		for _, name := range []string{"AttachStdout", "AttachStderr"} { // Docker means to attach.
			delete(config, name)
		}
		if h, ok := config["Hostname"].(string); ok && strings.HasPrefix(ids[i], h) {
			delete(config, "Hostname")
		}
		delete(host, "ConsoleSize")
		delete(host, "RestartPolicy") // Docker says "no" and we say nothing.
		made = append(made, b.plain(map[string]any{"Config": config, "Host": host, "Mounts": c["Mounts"], "Networks": c["NetworkSettings"].(map[string]any)["Networks"]}))
	}
	return made
}

// plain has names that the engine chose made alike, and lists whose order means nothing in one order.
func (b *bench) plain(c map[string]any) map[string]any {
	b.t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		b.t.Fatal(err)
	}
	anonymous := regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(string(text), "ID")
	unnamed := regexp.MustCompile(`/[a-z]+_[a-z]+/d`).ReplaceAllString(anonymous, "/NAME/d")
	var plain map[string]any
	if err := json.Unmarshal([]byte(unnamed), &plain); err != nil {
		b.t.Fatal(err)
	}
	config, host := plain["Config"].(map[string]any), plain["Host"].(map[string]any)
	config["Env"] = lastOfEach(config["Env"])
	for _, list := range []any{plain["Mounts"], host["Binds"], host["Ulimits"], config["Env"]} {
		if items, ok := list.([]any); ok {
			slices.SortFunc(items, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	return prune(plain).(map[string]any)
}

// lastOfEach keeps of variables that are set twice the one that counts.
func lastOfEach(env any) any {
	list, _ := env.([]any)
	var kept []any
	for i, v := range list {
		name, _, _ := strings.Cut(v.(string), "=")
		if !slices.ContainsFunc(list[i+1:], func(later any) bool { return strings.HasPrefix(later.(string), name+"=") }) {
			kept = append(kept, v)
		}
	}
	return kept
}

// prune removes what is zero or empty.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if v[k] = prune(item); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = prune(v[i])
		}
		return v
	case string:
		if v == "" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
