package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rqdswarm/internal/engine"
)

func TestParseMount(t *testing.T) {
	t.Parallel()
	bind := engine.Mount{Type: engine.MountBind, Source: "/net", Target: "/net"}
	slave := bind
	slave.Propagation = "slave"
	readOnly := bind
	readOnly.ReadOnly = true
	for text, want := range map[string]engine.Mount{
		// What the Python RQD takes.
		"type:bind,source:/net,target:/net,bind-propagation:slave":    slave,
		" type : bind , source : /net , target : /net ":               bind,
		"type:bind,\nsource:/net,\ntarget:/net":                       bind,
		"target:/net,source:/net,type:bind":                           bind,
		"type:volume,source:cache,target:/cache":                      {Type: engine.MountVolume, Source: "cache", Target: "/cache"},
		"type:tmpfs,source:none,target:/scratch":                      {Type: engine.MountTmpfs, Target: "/scratch"},
		"type:bind,source:/a b,target:/c d":                           {Type: engine.MountBind, Source: "/a b", Target: "/c d"},
		"type:bind,source:/a=b,target:/net":                           {Type: engine.MountBind, Source: "/a=b", Target: "/net"},
		"type:bind,source:/net,target:/net,consistency:cached":        bind,
		"type:bind,source:/net,target:/net,bind-propagation:rprivate": {Type: engine.MountBind, Source: "/net", Target: "/net", Propagation: "rprivate"},
		// What it does not, and docker does.
		"type:bind,source:/net,target:/net,readonly":                readOnly,
		"type:bind,source:/net,target:/net,ro":                      readOnly,
		"type:bind,source:/net,target:/net,readonly:true":           readOnly,
		"type:bind,source:/net,target:/net,ro:1":                    readOnly,
		"type:bind,source:/net,target:/net,readonly=false":          bind,
		"type=bind,src=/net,dst=/net,bind-propagation=slave":        slave,
		"type=bind,source=/net,destination=/net":                    bind,
		"type:bind,src=/net,dst:/net":                               bind,
		"Type=bind,Source=/net,Target=/net":                         bind,
		"type=bind,source=/a:b,target=/net":                         {Type: engine.MountBind, Source: "/a:b", Target: "/net"},
		"type:tmpfs,target:/scratch,tmpfs-size:64m,tmpfs-mode:1770": {Type: engine.MountTmpfs, Target: "/scratch", TmpfsSize: 64 << 20, TmpfsMode: 0o1770},
	} {
		have, _, err := ParseMount(text)
		if err != nil {
			t.Errorf("%q: have error %v", text, err)
		} else if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%q: want (-), have (+):\n%s", text, diff)
		}
	}
}

func TestParseMountErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                                          "has an empty item",
		"source:/net,target:/net":                                   `has no type; want type:bind`,
		"type:bind,target:/net":                                     `source "": want an absolute path`,
		"type:bind,source:/net":                                     `has no target; want type:bind`,
		"type:nfs,source:/n,target:/net":                            `type "nfs": want bind, volume or tmpfs`,
		"type:bind,source:net,target:/net":                          `source "net": want an absolute path`,
		"type:bind,source:/net,target:net":                          `target "net": want an absolute path`,
		"type:bind,source:/net,target:/":                            `target "/": want an absolute path`,
		"type:bind,source:/net,target:/.rqd/x":                      `target "/.rqd/x": want a path outside of /.rqd`,
		"type:bind,source:/net,target:/net,":                        "has an empty item",
		"type:bind,source:/net,target:/net:ro":                      `item "target:/net:ro" has more than one colon`,
		"type:bind,source:/net:target:/net":                         `item "source:/net:target:/net" has more than one colon`,
		"type:bind,source:/net,target:/net,shared":                  `item "shared" has no value`,
		"type:bind,source:,target:/net":                             `item "source:" lacks its name or its value`,
		"type:bind,:x,source:/net,target:/net":                      `item ":x" lacks its name or its value`,
		"type:bind,source:/net,target:/net,dst=/other":              `item "dst=/other": target is given twice`,
		"type:bind,source:/net,target:/net,readonly:maybe":          `readonly "maybe": want True or False`,
		"type:bind,source:/net,target:/net,bind-propagation:slaves": `bind-propagation "slaves": want one of private, rprivate`,
		"type:volume,source:v1,target:/net,bind-propagation:slave":  `bind-propagation "slave": want it only with type:bind`,
		"type:volume,source:/net,target:/net":                       `for a path of the host want type:bind`,
		"type:volume,target:/net":                                   `source "": want a volume's name`,
		"type:bind,source:/net,target:/net,tmpfs-size:1g":           `want them only with type:tmpfs`,
		"type:tmpfs,target:/t,tmpfs-size:big":                       `tmpfs-size "big": want a size`,
		"type:tmpfs,target:/t,tmpfs-mode:999":                       `tmpfs-mode "999": want an octal mode`,
		"type=bind\nsource=/net,target=/net":                        "spans two lines",
		"/net:/net":                                                 `has no type; want type:bind`,
	} {
		m, _, err := ParseMount(text)
		if err == nil || m != (engine.Mount{}) {
			t.Errorf("%q: have mount %+v, error %v, want an error only", text, m, err)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: have %q, want %q in it", text, err, want)
		}
	}
}

func TestParseMountIgnored(t *testing.T) {
	t.Parallel()
	_, ignored, err := ParseMount("type:bind,source:/net,target:/net,read-only:true,consistency=cached")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"read-only", "consistency"}, ignored); diff != "" {
		t.Errorf("want (-), have (+):\n%s", diff)
	}
}

func FuzzMount(f *testing.F) {
	for _, seed := range []string{
		"type:bind,source:/tmp,target:/tmp,bind-propagation:slave",
		"type=volume,src=v1,dst=/v,ro",
		"type:tmpfs,source:x,target:/t,tmpfs-size:1g,tmpfs-mode:1777",
		"type:bind,source:/a:/b,target:/c,",
		"type=bind,source=/a:b,target=/c\n,readonly=off",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, _, err := ParseMount(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: have error %q, want one line", text, err)
			}
			return
		}
		again, ignored, err := ParseMount(formatMount(m))
		if err != nil || len(ignored) > 0 || again != m {
			t.Errorf("%q: have %+v after %q, error %v, want %+v", text, again, formatMount(m), err, m)
		}
	})
}
