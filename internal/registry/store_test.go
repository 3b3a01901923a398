package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
)

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// TestCredentials has real helper programs: shell scripts on PATH.
func TestCredentials(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	put(t, filepath.Join(bin, "docker-credential-good"), "#!/bin/sh\nread -r a; echo '{\"Username\":\"helper\",\"Secret\":\"for '$a'\"}'\n", 0o755)
	put(t, filepath.Join(bin, "docker-credential-token"), "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"tok\"}'\n", 0o755)
	put(t, filepath.Join(bin, "docker-credential-empty"), "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n", 0o755)
	put(t, filepath.Join(bin, "docker-credential-broken"), "#!/bin/sh\necho 'no network' >&2; exit 3\n", 0o755)

	const artist = `{"auth":"YXJ0aXN0OnJlbmRlcjptZQ=="}` // artist:render:me
	for name, c := range map[string]struct {
		config, registry string
		want             *engine.RegistryAuth
		problem          string
	}{
		"plain":               {`{"auths":{"reg:5000":` + artist + `}}`, "reg:5000", &engine.RegistryAuth{Username: "artist", Password: "render:me", ServerAddress: "reg:5000"}, ""},
		"old address":         {`{"auths":{"https://reg.example.com/v1/":` + artist + `}}`, "reg.example.com", &engine.RegistryAuth{Username: "artist", Password: "render:me", ServerAddress: "reg.example.com"}, ""},
		"other registry":      {`{"auths":{"reg:5000":` + artist + `}}`, "reg:5001", nil, ""},
		"docker hub":          {`{"auths":{"https://index.docker.io/v1/":` + artist + `}}`, "docker.io", &engine.RegistryAuth{Username: "artist", Password: "render:me", ServerAddress: dockerHub}, ""},
		"tokens":              {`{"auths":{"r":{"identitytoken":"i","registrytoken":"t"}}}`, "r", &engine.RegistryAuth{IdentityToken: "i", RegistryToken: "t", ServerAddress: "r"}, ""},
		"helper":              {`{"auths":{"r":{}},"credHelpers":{"r":"good"}}`, "r", &engine.RegistryAuth{Username: "helper", Password: "for r", ServerAddress: "r"}, ""},
		"helper of others":    {`{"credHelpers":{"other":"broken"}}`, "r", nil, ""},
		"common store":        {`{"credsStore":"token"}`, "r", &engine.RegistryAuth{IdentityToken: "tok", ServerAddress: "r"}, ""},
		"store knows nothing": {`{"auths":{"r":` + artist + `},"credsStore":"empty"}`, "r", &engine.RegistryAuth{Username: "artist", Password: "render:me", ServerAddress: "r"}, ""},
		"helper fails":        {`{"auths":{"r":` + artist + `},"credHelpers":{"r":"broken"}}`, "r", nil, "run docker-credential-broken for r: exit status 3: no network"},
		"helper not here":     {`{"credHelpers":{"r":"ecr-login"}}`, "r", nil, "docker-credential-ecr-login is not in this image"},
		"not here, but auth":  {`{"auths":{"r":` + artist + `},"credsStore":"desktop"}`, "r", &engine.RegistryAuth{Username: "artist", Password: "render:me", ServerAddress: "r"}, ""},
		"no JSON":             {`{`, "r", nil, "/config.json: unexpected end of JSON"},
		"no base64":           {`{"auths":{"r":{"auth":"!"}}}`, "r", nil, "auth of r: want base64 of user:password"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			put(t, filepath.Join(root, "config.json"), c.config, 0o600)
			have, err := NewStore(root, "/config.json", nil).Credentials(t.Context(), c.registry)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("want error %q, have %v", c.problem, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, have); diff != "" {
				t.Errorf("credentials (-want +have):\n%s", diff)
			}
		})
	}
}

func TestWhereCredentialsAre(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	environ := []string{"HOME=/root", "DOCKER_CONFIG=/dc"}
	ask := func(configured string) (string, error) {
		auth, err := NewStore(root, configured, environ).Credentials(t.Context(), "r")
		if auth == nil {
			return "", err
		}
		return auth.Username, err
	}
	if have, err := ask(""); have != "" || err != nil {
		t.Errorf("no file: want nothing, have %q, %v", have, err)
	}
	if _, err := ask("/none.json"); err == nil {
		t.Error("configured file is not there: want an error, have none")
	}
	for _, c := range []struct{ path, user string }{
		{"root/.docker/config.json", "home"}, {"run/secrets/docker-config.json", "secret"}, {"dc/config.json", "docker-config"},
	} { // From the last place to the first.
		put(t, filepath.Join(root, c.path), `{"auths":{"r":{"username":"`+c.user+`"}}}`, 0o600)
		if have, err := ask(""); have != c.user || err != nil {
			t.Errorf("%s: want %s, have %q, %v", c.path, c.user, have, err)
		}
	}
}
