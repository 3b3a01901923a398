package enginetest_test

import (
	"testing"
	"testing/synctest"

	"rqdswarm/internal/engine"
	"rqdswarm/internal/engine/enginetest"
)

func TestFakeKeepsTheContract(t *testing.T) {
	t.Parallel()
	enginetest.Contract(t, func(t *testing.T, behaviour func(*testing.T, enginetest.Subject)) {
		synctest.Test(t, func(t *testing.T) { behaviour(t, fakeSubject()) })
	})
}

func fakeSubject() enginetest.Subject {
	const dead = "127.0.0.1:1/rqd-test:1"
	fake := enginetest.NewFake()
	fake.OnStart(enginetest.ContractScript)
	fake.AddImage(busyboxImage(enginetest.BusyboxReference))
	fake.AddRemote(dead, enginetest.Remote{Errors: []error{engine.ErrUnavailable}})
	offer := func(_ *testing.T, auth *engine.RegistryAuth) string {
		const ref = "127.0.0.1:5000/rqd-test:1"
		image := busyboxImage()
		image.ID = "" // Another one than the local image, as it is pulled.
		fake.AddRemote(ref, enginetest.Remote{Image: image, Auth: auth})
		return ref
	}
	return enginetest.Subject{Engine: fake, Image: enginetest.BusyboxReference, Offer: offer, DeadRegistry: dead}
}

func busyboxImage(tags ...string) engine.Image {
	return engine.Image{
		Tags:   tags,
		Labels: map[string]string{enginetest.BusyboxLabel: "1"},
		Env:    []string{"PATH=/bin", enginetest.BusyboxEnv},
	}
}
