package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dryRun is what one of the scripts would do, on a machine without a Swarm.
func dryRun(t *testing.T, script string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "scripts", script), append([]string{"--dry-run"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "DOCKER_HOST=unix:///does/not/exist"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", script, strings.Join(args, " "), err)
	}
	return string(out)
}

// TestDocsExplainEachFlag reads the flags from what swarm-create.sh would run.
func TestDocsExplainEachFlag(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rqd.conf")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	create := dryRun(t, "swarm-create.sh", "--image", "rqd:1", "--supervisor", "supervisor:1", "--cuebot", "cuebot", "--conf", file,
		"--registry-config", file, "--constraint", "node.labels.render==true")
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "swarm.md"))
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for command := range strings.Lines(create) {
		if strings.HasPrefix(command, "docker service create ") {
			used = append(used, regexp.MustCompile(`(?m) --[a-z-]+`).FindAllString(command, -1)...)
		}
	}
	slices.Sort(used)
	for _, flag := range slices.Compact(used) {
		flag = strings.TrimSpace(flag)
		if flag != "--name" && !regexp.MustCompile("`"+flag+"[ `]").Match(docs) {
			t.Errorf("want docs/swarm.md to explain %s, which swarm-create.sh uses", flag)
		}
	}
	for _, want := range []string{
		"--mode global", "--update-order start-first", "--rollback-order start-first", "--update-failure-action rollback",
		"--stop-grace-period 30s", "--restart-delay 5s", "--hostname '{{.Node.Hostname}}'", "--with-registry-auth",
	} {
		if !strings.Contains(create, want) {
			t.Errorf("want %s in\n%s", want, create)
		}
	}
}

// TestScriptsSayWhatTheyDo holds the docker commands of the other scripts.
func TestScriptsSayWhatTheyDo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ script, args, want string }{
		{"swarm-update.sh", "--image rqd:2", "docker service update --with-registry-auth --env-add RQD_IMAGE=rqd:2 rqd\n"},
		{"swarm-update.sh", "--name farm --supervisor sup:2", "docker service update --with-registry-auth --image sup:2 farm\n"},
		{"swarm-update.sh", "--grace 40", "docker service update --with-registry-auth --env-add STOP_GRACE_SECONDS=40 --stop-grace-period 60s rqd\n"},
		{"swarm-update.sh", "--order stop-first --env A=b -- --detach", "docker service update --with-registry-auth --update-order stop-first --rollback-order stop-first --env-add A=b --detach rqd\n"},
		{"swarm-rollback.sh", "", "docker service rollback rqd\n"},
		{"swarm-remove.sh", "--name farm", "docker service rm farm\n"},
	} {
		if have := dryRun(t, test.script, strings.Fields(test.args)...); have != test.want {
			t.Errorf("%s %s: want %q, have %q", test.script, test.args, test.want, have)
		}
	}
}
