//go:build swarm

package e2e

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

// stackName is that of the docs' example; its service is called after it.
const stackName = "farm"

// deploy brings up scripts/stack.yml.
func (s *fleet) deploy(t *testing.T, image string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "docker", "stack", "deploy", "--with-registry-auth", "--resolve-image", "never",
		"--compose-file", s.farm.script("stack.yml"), stackName)
	cmd.Env = append(s.farm.manager(), "SUPERVISOR_IMAGE=rqd-supervisor:dev", "RQD_IMAGE="+image, "RQD_PULL=missing",
		"CUEBOT_HOSTNAME="+cuebot, "RQD_CONF="+conf(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker stack deploy: %v\n%s", err, out)
	}
}

// undeploy takes the stack away, if there is one, and waits for its end, which docker does not.
func (s *fleet) undeploy(t *testing.T) {
	t.Helper()
	s.farm.nodes[0].docker(t, "", "stack", "rm", stackName)
	s.gone(t)
}

// definition is what the scripts' service and the stack's have to have in common.
type definition struct {
	Mode struct {
		Global *struct{}
	}
	UpdateConfig, RollbackConfig struct {
		Parallelism     int
		Monitor         time.Duration
		FailureAction   string
		MaxFailureRatio float64
		Order           string
	}
	TaskTemplate struct {
		RestartPolicy struct {
			Condition string
			Delay     time.Duration
		}
		ContainerSpec struct {
			Hostname        string
			StopGracePeriod time.Duration
			Mounts          []struct{ Type, Source, Target string }
			Configs         []struct{ File struct{ Name string } }
		}
		Networks []struct{ Target string }
	}
	EndpointSpec struct{ Ports []struct{} }
}

func (f *farm) definition(t *testing.T, service string) definition {
	t.Helper()
	var d definition
	if err := json.Unmarshal([]byte(f.nodes[0].docker(t, "", "service", "inspect", "--format", "{{json .Spec}}", service)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestStackIsTheScriptsService makes both without a task, and reads from the Swarm what they are.
func TestStackIsTheScriptsService(t *testing.T) {
	t.Parallel()
	f := theFarm
	s := f.fleet(t, "script")
	f.must(t, "create", "--name", s.name, "--image", "rqdcore:dev", "--supervisor", "rqd-supervisor:dev", "--conf", conf(t),
		"--constraint", "node.labels.none==such", "--", "--detach", "--quiet", "--no-resolve-image")
	script := f.definition(t, s.name)
	for what, ok := range map[string]bool{
		"--mode global":                    script.Mode.Global != nil,
		"--update-order start-first":       script.UpdateConfig.Order == "start-first",
		"--rollback-order start-first":     script.RollbackConfig.Order == "start-first",
		"--update-failure-action rollback": script.UpdateConfig.FailureAction == "rollback",
		"--stop-grace-period 30s":          script.TaskTemplate.ContainerSpec.StopGracePeriod == 30*time.Second,
		"--restart-delay 5s":               script.TaskTemplate.RestartPolicy.Delay == 5*time.Second,
		"--hostname {{.Node.Hostname}}":    script.TaskTemplate.ContainerSpec.Hostname == "{{.Node.Hostname}}",
		"no published port":                len(script.EndpointSpec.Ports) == 0,
	} {
		if !ok {
			t.Errorf("want %s in what the script creates, have %+v", what, script)
		}
	}

	file := strings.ReplaceAll(readFile(t, f.script("stack.yml")), "      mode: global\n",
		"      mode: global\n      placement:\n        constraints: [node.labels.none==such]\n")
	cmd := exec.CommandContext(t.Context(), "docker", "stack", "deploy", "--resolve-image", "never", "--compose-file", "-", "same")
	cmd.Dir, cmd.Stdin = f.script(""), strings.NewReader(file)
	cmd.Env = append(f.manager(), "SUPERVISOR_IMAGE=rqd-supervisor:dev", "RQD_IMAGE=rqdcore:dev", "RQD_CONF="+conf(t), "RQD_CONF_VERSION=same")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker stack deploy: %v\n%s", err, out)
	}
	t.Cleanup(func() { f.nodes[0].docker(t, "", "stack", "rm", "same") })
	if have := f.definition(t, "same_rqd"); !reflect.DeepEqual(have, script) {
		t.Errorf("want the stack's service as the script's:\n%+v\nhave\n%+v", script, have)
	}
}
