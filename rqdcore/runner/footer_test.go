package runner

import (
	"os"
	"strings"
	"testing"
	"time"

	"rqdswarm/rqdcore/frame"
	"rqdswarm/rqdcore/rqlog"
)

// TestOneFooter takes over a frame whose container is gone, as after the death of an RQD
// between the footer and the completion, or before the new run's log was made.
func TestOneFooter(t *testing.T) {
	t.Parallel()
	header := rqlog.Header(rqlog.HeaderInfo{HostName: "render01"})
	footer := rqlog.Footer(rqlog.FooterInfo{HostName: "render01", ExitStatus: 7, End: time.Now()})
	for name, tc := range map[string]struct {
		before []byte
		want   string // The only exit status in the log.
	}{
		"footer is there":  {append(header, footer...), "exitStatus          7"},
		"only the header":  {header, "exitStatus          256"},
		"no log was there": {nil, "exitStatus          256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			j := AdoptJob(s.job().Promise())
			if tc.before != nil {
				if err := os.WriteFile(rqlog.Path(j.Promise().Frame), tc.before, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if exit := receiveExit(t, s.run(j)); exit.Reason != frame.ReasonLost {
				t.Errorf("have %+v, want lost", exit)
			}
			text := s.rqlog()
			if strings.Count(text, "RenderQ Job Complete") != 1 || !strings.Contains(text, tc.want) {
				t.Errorf("want one footer with %q:\n%s", tc.want, text)
			}
		})
	}
}
