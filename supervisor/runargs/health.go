package runargs

import (
	"errors"
	"strconv"
	"time"

	"rqdswarm/internal/engine"
)

func healthCmd(value string, _ Context) (change, error) {
	return health(func(h *engine.HealthCheck) { h.Command = value }), nil
}

func healthInterval(value string, _ Context) (change, error) {
	return healthTime(value, func(h *engine.HealthCheck, d time.Duration) { h.Interval = d })
}

func healthTimeout(value string, _ Context) (change, error) {
	return healthTime(value, func(h *engine.HealthCheck, d time.Duration) { h.Timeout = d })
}

func healthStartPeriod(value string, _ Context) (change, error) {
	return healthTime(value, func(h *engine.HealthCheck, d time.Duration) { h.StartPeriod = d })
}

func healthStartInterval(value string, _ Context) (change, error) {
	return healthTime(value, func(h *engine.HealthCheck, d time.Duration) { h.StartInterval = d })
}

func healthRetries(value string, _ Context) (change, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return nil, errors.New("want a whole number, 0 or more")
	}
	return health(func(h *engine.HealthCheck) { h.Retries = n }), nil
}

func healthTime(value string, set func(*engine.HealthCheck, time.Duration)) (change, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return nil, errors.New("want a time such as 5s or 500ms, 0 or more")
	}
	return health(func(h *engine.HealthCheck) { set(h, d) }), nil
}

// health changes the image's own check. As for docker run, values that are all zero change nothing.
func health(set func(*engine.HealthCheck)) change {
	return func(s *engine.Spec) {
		var h engine.HealthCheck
		if s.Health != nil {
			h = *s.Health
		}
		set(&h)
		s.Health = &h
		if h == (engine.HealthCheck{}) {
			s.Health = nil
		}
	}
}

func noHealthcheck(value string, _ Context) (change, error) {
	return boolean(value, func(s *engine.Spec, on bool) { s.DisableHealthcheck = on })
}
