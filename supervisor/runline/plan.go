package runline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"rqdswarm/internal/engine"
)

// Labels of every container that a supervisor makes.
const (
	LabelRQD   = "org.rqdswarm.rqd"   // The name of the RQD this container is, was or will be.
	LabelSpec  = "org.rqdswarm.spec"  // Plan.Hash.
	LabelImage = "org.rqdswarm.image" // The image's digest, or its id where no registry gave it one.
	labelOwner = "org.rqdswarm."      // Prefix of service, task, node and stack: who made it.
)

// Plan is an RQD that can be created: its spec, complete with labels, and the files it gets.
type Plan struct {
	Spec    engine.Spec
	ImageID string // The tag of Spec.Image may move between the pull and the create.
	Files   []engine.File
	Hash    string
}

// NewPlan seals a spec. Two plans with the same hash are the same RQD: a running one is adopted. The hash covers the
// spec as wanted, the image's id and the files, but not who made the container or under which name it waits.
func NewPlan(spec engine.Spec, image engine.Image, files []engine.File, identity map[string]string) (Plan, error) {
	name, unnamed := spec.Name, spec
	unnamed.Image = "" // Another tag of the same image is the same RQD.
	sealed, err := seal(struct {
		Spec  engine.Spec
		Image string
		Files []engine.File
	}{unnamed, image.ID, files})
	if err != nil {
		return Plan{}, fmt.Errorf("hash spec: %w", err)
	}
	sum := sha256.Sum256(sealed)
	plan := Plan{Spec: spec, ImageID: image.ID, Files: files, Hash: hex.EncodeToString(sum[:8])}
	plan.Spec.Labels = maps.Clone(spec.Labels)
	if plan.Spec.Labels == nil {
		plan.Spec.Labels = map[string]string{}
	}
	plan.Spec.Labels[LabelRQD] = name
	plan.Spec.Labels[LabelSpec] = plan.Hash
	plan.Spec.Labels[LabelImage] = Digest(image)
	for key, value := range identity {
		plan.Spec.Labels[labelOwner+key] = value
	}
	return plan, nil
}

// seal writes what is set of v, in one order. What is not set is left out: a supervisor that knows more than the
// last one did has the same hash for the same RQD, and adopts it.
func seal(v any) ([]byte, error) { return json.Marshal(whatIsSet(reflect.ValueOf(v))) }

// whatIsSet turns structs into maps of their fields that are not zero. A pointer to zero is set.
func whatIsSet(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				fields[v.Type().Field(i).Name] = whatIsSet(f)
			}
		}
		return fields
	case reflect.Pointer:
		return whatIsSet(v.Elem())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Interface()
		}
		items := make([]any, v.Len())
		for i := range items {
			items[i] = whatIsSet(v.Index(i))
		}
		return items
	default:
		return v.Interface()
	}
}

// Digest is the name under which a registry will always serve this very image, or its id.
func Digest(image engine.Image) string {
	if len(image.Digests) > 0 {
		return image.Digests[0]
	}
	return image.ID
}
