package farm

import "testing"

// TestDecide is the decision table of contract 5.4, with what a real Cuebot was seen to do.
func TestDecide(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   ending
		want State
	}{
		"success":                                   {ending{}, Succeeded},
		"success whatever the signal":               {ending{Signal: 9, RunTime: 50000}, Succeeded},
		"skip retry without retries":                {ending{Status: 286}, Waiting},
		"signal 119 with retries allowed":           {ending{Status: 1, Signal: 119, Max: 1, Retries: 5}, Waiting},
		"signal 119 without retries":                {ending{Status: 1, Signal: 119}, Dead},
		"failed launch, a retry left":               {ending{Status: 256, Max: 1}, Waiting},
		"failed launch, none left":                  {ending{Status: 256}, Dead},
		"failed launch by signal, a retry left":     {ending{Status: 1, Signal: 256, Max: 1}, Waiting},
		"failed launch by signal, none left":        {ending{Status: 1, Signal: 256, Max: 1, Retries: 1}, Dead},
		"nimby lock and SIGTERM":                    {ending{Status: 1, Signal: 15, NimbyLocked: true}, Waiting},
		"SIGTERM without nimby":                     {ending{Status: 1, Signal: 15}, Dead},
		"failure, a retry left":                     {ending{Status: 3, Max: 1}, Waiting},
		"failure, none left":                        {ending{Status: 3, Max: 1, Retries: 1}, Dead},
		"killed, a retry left":                      {ending{Status: 1, Signal: 9, Max: 1}, Waiting},
		"killed, none left":                         {ending{Status: 1, Signal: 9}, Dead},
		"log limit is an ordinary failure":          {ending{Status: 287}, Dead},
		"log scan is an ordinary failure":           {ending{Status: 330, Max: 1}, Waiting},
		"memory failure 137 without retries":        {ending{Status: 137}, Waiting},
		"memory failure 33 without retries":         {ending{Status: 33, Retries: 9}, Waiting},
		"memory failure by signal":                  {ending{Status: 1, Signal: 33}, Waiting},
		"143 is no memory failure":                  {ending{Status: 143}, Dead},
		"too long, a retry left":                    {ending{Status: 1, RunTime: 61, Timeout: 1, Max: 3}, Dead},
		"not yet too long":                          {ending{Status: 1, RunTime: 60, Timeout: 1, Max: 3}, Waiting},
		"longer than twelve hours":                  {ending{Status: 1, RunTime: 43201, Max: 3}, Dead},
		"silent log":                                {ending{Status: 1, LogSilent: 120, LogTimeout: 2, Max: 3}, Dead},
		"log time unknown":                          {ending{Status: 1, LogTimeout: 2, Max: 3}, Waiting},
		"too long beats memory":                     {ending{Status: 137, RunTime: 61, Timeout: 1}, Dead},
		"failed launch beats too long":              {ending{Status: 256, RunTime: 50000, Max: 1}, Waiting},
		"Cuebot's own status is a failure like any": {ending{Status: 299, Max: 1}, Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if have := decide(c.in); have != c.want {
				t.Errorf("decide(%+v): want %s, have %s", c.in, c.want, have)
			}
		})
	}
}

// TestRunsUntilTheEnd repeats how often a real Cuebot with one retry ran a frame that always
// ends in the same way (captures/README.md); five runs were watched.
func TestRunsUntilTheEnd(t *testing.T) {
	t.Parallel()
	const watched = 5
	for _, c := range []struct {
		status, signal int32
		runs           int
		last           State
		newResource    bool
	}{
		{0, 9, 1, Succeeded, false},
		{1, 9, 2, Dead, false},
		{1, 15, 2, Dead, false},
		{3, 0, 2, Dead, false},
		{143, 0, 2, Dead, false},
		{287, 0, 2, Dead, false},
		{330, 0, 2, Dead, false},
		{1, 256, 2, Dead, false},
		{137, 0, watched, Waiting, true},
		{33, 0, watched, Waiting, true},
		{1, 33, watched, Waiting, true},
		{256, 0, watched, Waiting, true},
		{286, 0, watched, InFlight, false},
		{299, 0, watched, InFlight, false},
		{301, 0, watched, InFlight, false},
		{302, 0, watched, InFlight, false},
		{399, 0, watched, InFlight, false},
		{-1, 0, watched, InFlight, false},
		{1, 119, watched, InFlight, false},
	} {
		f, clk := newFarm(t)
		boot(t, f, "render01")
		submit(t, f, func(j *Job) { j.Retries = 1 })
		o := book(t, f, "render01")
		runs, first := 0, o.ResourceID
		for runs < watched {
			clk.advance(1e9)
			runs++
			v := f.Complete(ended(o, c.status, c.signal))
			if v.Ignored != "" {
				t.Fatalf("(%d,%d): completion ignored: %s", c.status, c.signal, v.Ignored)
			}
			if v.Follows {
				o = v.Next
				continue
			}
			if v.State != Waiting || runs == watched {
				break
			}
			o = book(t, f, "render01")
		}
		have := frameOf(t, f, o.FrameID)
		if runs != c.runs || have.State != c.last || (o.ResourceID != first) != c.newResource {
			t.Errorf("(%d,%d): want %d runs, %s, new resource %t; have %d, %s, %t", c.status, c.signal,
				c.runs, c.last, c.newResource, runs, have.State, o.ResourceID != first)
		}
	}
}
