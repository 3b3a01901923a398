package runargs

import (
	"errors"
	"strconv"

	"github.com/docker/cli/opts"

	"rqdswarm/internal/engine"
)

func blkioWeight(value string, _ Context) (change, error) {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		return nil, errors.New("want a number from 10 to 1000, or 0 for none")
	}
	return func(s *engine.Spec) { s.BlockIO.Weight = uint16(n) }, nil
}

func blkioWeightDevice(value string, _ Context) (change, error) {
	w, err := opts.ValidateWeightDevice(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) {
		s.BlockIO.DeviceWeight = append(s.BlockIO.DeviceWeight, engine.DeviceRate{Device: w.Path, Rate: uint64(w.Weight)})
	}, nil
}

func deviceReadBps(value string, _ Context) (change, error) {
	return bps(value, func(b *engine.BlockIO, d engine.DeviceRate) { b.ReadBps = append(b.ReadBps, d) })
}

func deviceWriteBps(value string, _ Context) (change, error) {
	return bps(value, func(b *engine.BlockIO, d engine.DeviceRate) { b.WriteBps = append(b.WriteBps, d) })
}

func deviceReadIOps(value string, _ Context) (change, error) {
	return iops(value, func(b *engine.BlockIO, d engine.DeviceRate) { b.ReadIOps = append(b.ReadIOps, d) })
}

func deviceWriteIOps(value string, _ Context) (change, error) {
	return iops(value, func(b *engine.BlockIO, d engine.DeviceRate) { b.WriteIOps = append(b.WriteIOps, d) })
}

func bps(value string, add func(*engine.BlockIO, engine.DeviceRate)) (change, error) {
	t, err := opts.ValidateThrottleBpsDevice(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { add(&s.BlockIO, engine.DeviceRate{Device: t.Path, Rate: t.Rate}) }, nil
}

func iops(value string, add func(*engine.BlockIO, engine.DeviceRate)) (change, error) {
	t, err := opts.ValidateThrottleIOpsDevice(value)
	if err != nil {
		return nil, err
	}
	return func(s *engine.Spec) { add(&s.BlockIO, engine.DeviceRate{Device: t.Path, Rate: t.Rate}) }, nil
}
