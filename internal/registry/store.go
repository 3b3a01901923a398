package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rqdswarm/internal/engine"
)

// dockerHub is the key under which `docker login` keeps Docker Hub's credentials.
const dockerHub = "https://index.docker.io/v1/"

// Store is where credentials are looked up.
type Store struct {
	root  string
	paths []string
	// required says that the first path was asked for by name: its absence is an error.
	required bool
}

// NewStore looks into the file that was configured, or else into those that exist usually: docker's own directory
// (DOCKER_CONFIG, then HOME), and a Swarm secret called docker-config.json.
func NewStore(root, configured string, environ []string) Store {
	if configured != "" {
		return Store{root: root, paths: []string{configured}, required: true}
	}
	var paths []string
	for _, e := range environ {
		if dir, ok := strings.CutPrefix(e, "DOCKER_CONFIG="); ok && dir != "" {
			paths = append(paths, filepath.Join(dir, "config.json"))
		}
	}
	paths = append(paths, "/run/secrets/docker-config.json")
	for _, e := range environ {
		if home, ok := strings.CutPrefix(e, "HOME="); ok && home != "" {
			paths = append(paths, filepath.Join(home, ".docker", "config.json"))
		}
	}
	return Store{root: root, paths: paths}
}

// file is the part of docker's config.json that is about credentials.
type file struct {
	Auths       map[string]entry  `json:"auths"`
	Store       string            `json:"credsStore"`
	Helpers     map[string]string `json:"credHelpers"`
	foundAtPath string
}

type entry struct {
	Auth          string `json:"auth"` // base64 of user:password.
	Username      string `json:"username"`
	Password      string `json:"password"`
	IdentityToken string `json:"identitytoken"`
	RegistryToken string `json:"registrytoken"`
}

// Credentials returns what the registry wants to see, or nil where nothing is known: as docker does, the registry's
// own helper is asked first, then the common one, then the file. Helpers whose program is not here are passed over.
func (s Store) Credentials(ctx context.Context, registry string) (*engine.RegistryAuth, error) {
	f, err := s.read()
	if err != nil || f == nil {
		return nil, err
	}
	keys := spellings(registry)
	var missing error
	for _, helper := range f.helpers(keys) {
		auth, err := askHelper(ctx, helper, keys[0])
		switch {
		case errors.Is(err, errNoHelper):
			missing = err
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.foundAtPath, err)
		case auth != nil:
			return auth, nil
		}
	}
	auth, err := f.auth(registry, keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.foundAtPath, err)
	}
	if auth == nil && missing != nil {
		return nil, fmt.Errorf("%s: %w", f.foundAtPath, missing)
	}
	return auth, nil
}

// read parses the first file that is there; nil is none.
func (s Store) read() (*file, error) {
	for _, path := range s.paths {
		content, err := os.ReadFile(filepath.Join(s.root, path))
		if errors.Is(err, fs.ErrNotExist) && !s.required {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read registry credentials: %w", err)
		}
		f := file{foundAtPath: path}
		if err := json.Unmarshal(content, &f); err != nil {
			return nil, fmt.Errorf("read registry credentials: %s: %w", path, err)
		}
		return &f, nil
	}
	return nil, nil
}

// spellings are the keys under which docker's tools keep a registry, the one that helpers know first.
func spellings(registry string) []string {
	if registry == "docker.io" {
		return []string{dockerHub, "index.docker.io", "docker.io", "registry-1.docker.io"}
	}
	return []string{registry}
}

// helpers are the programs to ask, in order.
func (f *file) helpers(keys []string) []string {
	var names []string
	for _, key := range keys {
		if name := f.Helpers[key]; name != "" {
			names = append(names, name)
		}
	}
	if f.Store != "" {
		names = append(names, f.Store)
	}
	return names
}

// auth finds the registry among the file's own entries. Keys are host names, or addresses as old dockers wrote them.
func (f *file) auth(registry string, keys []string) (*engine.RegistryAuth, error) {
	for key, e := range f.Auths {
		if !matches(key, keys) || e == (entry{}) {
			continue // An empty entry says that a helper has it.
		}
		auth := &engine.RegistryAuth{
			Username: e.Username, Password: e.Password, IdentityToken: e.IdentityToken, RegistryToken: e.RegistryToken,
			ServerAddress: keys[0],
		}
		if e.Auth != "" {
			text, err := base64.StdEncoding.DecodeString(e.Auth)
			user, password, ok := strings.Cut(string(text), ":")
			if err != nil || !ok {
				return nil, fmt.Errorf("auth of %s: want base64 of user:password", registry)
			}
			auth.Username, auth.Password = user, strings.TrimRight(password, "\x00")
		}
		return auth, nil
	}
	return nil, nil
}

func matches(key string, spellings []string) bool {
	for _, s := range spellings {
		if key == s || hostOf(key) == hostOf(s) {
			return true
		}
	}
	return false
}

// hostOf is the host and port of an address, which may have a scheme and a path.
func hostOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	host, _, _ := strings.Cut(address, "/")
	return host
}
