package cuepb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"rqdswarm/rqdcore/cuepb/hostpb"
	"rqdswarm/rqdcore/cuepb/reportpb"
	"rqdswarm/rqdcore/cuepb/rqdpb"
)

func files() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{hostpb.File_host_proto, reportpb.File_report_proto, rqdpb.File_rqd_proto}
}

// fields is what OpenCue's own definitions say: number, name and type of every field, in the
// order of the numbers. A message that is not listed must not exist.
var fields = map[string]string{
	"rqd.RunFrame": `1 resource_id string, 2 job_id string, 3 job_name string, 4 frame_id string, 5 frame_name string,
		6 layer_id string, 7 command string, 8 user_name string, 9 log_dir string, 10 show string, 11 shot string,
		12 job_temp_dir string deprecated, 13 frame_temp_dir string, 14 log_file string deprecated,
		15 log_dir_file string deprecated, 16 start_time int64, 17 uid int32 oneof uid_optional, 18 num_cores int32,
		19 gid int32, 20 ignore_nimby bool, 21 environment map<string string>, 22 attributes map<string string>,
		23 num_gpus int32, 24 children report.ChildrenProcStats, 25 os string, 26 soft_memory_limit int64,
		27 hard_memory_limit int64, 28 pid int32, 29 loki_url string`,
	"rqd.RunFrameSeq":                            `1 run_frames repeated rqd.RunFrame`,
	"rqd.RqdStaticLaunchFrameRequest":            `1 run_frame rqd.RunFrame`,
	"rqd.RqdStaticLaunchFrameResponse":           ``,
	"rqd.RqdStaticKillRunningFrameRequest":       `1 frame_id string, 2 message string`,
	"rqd.RqdStaticKillRunningFrameResponse":      ``,
	"rqd.RqdStaticGetRunningFrameStatusRequest":  `1 frame_id string`,
	"rqd.RqdStaticGetRunningFrameStatusResponse": `1 running_frame_info report.RunningFrameInfo`,
	"rqd.RqdStaticReportStatusRequest":           ``,
	"rqd.RqdStaticReportStatusResponse":          `1 host_report report.HostReport`,
	"rqd.RqdStaticLockRequest":                   `1 cores int32`,
	"rqd.RqdStaticLockResponse":                  ``,
	"rqd.RqdStaticLockAllRequest":                ``,
	"rqd.RqdStaticLockAllResponse":               ``,
	"rqd.RqdStaticUnlockRequest":                 `1 cores int32`,
	"rqd.RqdStaticUnlockResponse":                ``,
	"rqd.RqdStaticUnlockAllRequest":              ``,
	"rqd.RqdStaticUnlockAllResponse":             ``,
	"rqd.RqdStaticNimbyOnRequest":                ``,
	"rqd.RqdStaticNimbyOnResponse":               ``,
	"rqd.RqdStaticNimbyOffRequest":               ``,
	"rqd.RqdStaticNimbyOffResponse":              ``,
	"rqd.RqdStaticRebootNowRequest":              ``,
	"rqd.RqdStaticRebootNowResponse":             ``,
	"rqd.RqdStaticRebootIdleRequest":             ``,
	"rqd.RqdStaticRebootIdleResponse":            ``,
	"rqd.RqdStaticShutdownNowRequest":            ``,
	"rqd.RqdStaticShutdownNowResponse":           ``,
	"rqd.RqdStaticShutdownIdleRequest":           ``,
	"rqd.RqdStaticShutdownIdleResponse":          ``,
	"rqd.RqdStaticRestartNowRequest":             ``,
	"rqd.RqdStaticRestartNowResponse":            ``,
	"rqd.RqdStaticRestartIdleRequest":            ``,
	"rqd.RqdStaticRestartIdleResponse":           ``,
	"rqd.RqdStaticGetRunFrameRequest":            `1 frame_id string, 2 job_id string, 3 layer_id string, 4 run_frame_id int32`,
	"rqd.RqdStaticGetRunFrameResponse":           `1 run_frame rqd.RunFrame`,
	"rqd.RunningFrameKillRequest":                `1 run_frame rqd.RunFrame, 2 message string`,
	"rqd.RunningFrameKillResponse":               ``,
	"rqd.RunningFrameStatusRequest":              `1 run_frame rqd.RunFrame`,
	"rqd.RunningFrameStatusResponse":             `1 running_frame_info report.RunningFrameInfo`,

	"report.BootReport": `1 host report.RenderHost, 2 core_info report.CoreDetail`,
	"report.HostReport": `1 host report.RenderHost, 2 frames repeated report.RunningFrameInfo, 3 core_info report.CoreDetail`,
	"report.FrameCompleteReport": `1 host report.RenderHost, 2 frame report.RunningFrameInfo, 3 exit_status int32,
		4 exit_signal int32, 5 run_time int32`,
	"report.CoreDetail": `1 total_cores int32, 2 idle_cores int32, 3 locked_cores int32, 4 booked_cores int32,
		5 reserved_cores map<int64 report.CoreId> deprecated`,
	"report.CoreId": `1 coreid repeated int64`,
	"report.RenderHost": `1 name string, 2 nimby_enabled bool, 3 nimby_locked bool, 4 facility string, 5 num_procs int32,
		6 cores_per_proc int32, 7 total_swap int64, 8 total_mem int64, 9 total_mcp int64, 10 free_swap int64,
		11 free_mem int64, 12 free_mcp int64, 13 load int32, 14 boot_time int32, 15 tags repeated string,
		16 state host.HardwareState, 17 attributes map<string string>, 18 num_gpus int32, 19 free_gpu_mem int64,
		20 total_gpu_mem int64`,
	"report.RunningFrameInfo": `1 resource_id string, 2 job_id string, 3 job_name string, 4 frame_id string,
		5 frame_name string, 6 layer_id string, 7 num_cores int32, 8 start_time int64, 9 max_rss int64, 10 rss int64,
		11 max_vsize int64, 12 vsize int64, 13 attributes map<string string>, 14 llu_time int64, 15 num_gpus int32,
		16 max_used_gpu_memory int64, 17 used_gpu_memory int64, 18 children report.ChildrenProcStats,
		19 used_swap_memory int64, 20 max_pss int64, 21 pss int64`,
	"report.ChildrenProcStats": `2 children repeated report.ProcStats`,
	"report.ProcStats": `1 stat report.Stat, 2 statm report.Statm, 3 status report.Status, 4 cmdline string,
		5 start_time string`,
	"report.Stat":   `1 rss int64, 2 vsize int64, 3 state string, 4 name string, 5 pid string, 6 pss int64`,
	"report.Statm":  `1 rss int64, 2 size int64`,
	"report.Status": `1 vrss int64, 2 vsize int64`,

	"report.RqdReportRqdStartupRequest":              `1 boot_report report.BootReport`,
	"report.RqdReportRqdStartupResponse":             ``,
	"report.RqdReportStatusRequest":                  `1 host_report report.HostReport`,
	"report.RqdReportStatusResponse":                 ``,
	"report.RqdReportRunningFrameCompletionRequest":  `1 frame_complete_report report.FrameCompleteReport`,
	"report.RqdReportRunningFrameCompletionResponse": ``,
}

var enums = map[string]string{
	"rqd.ErrorCode":      "SUCCESS=0 UNKNOWN=1",
	"host.HardwareState": "UP=0 DOWN=1 REBOOTING=2 REBOOT_WHEN_IDLE=3 REPAIR=4",
	"host.LockState":     "OPEN=0 LOCKED=1 NIMBY_LOCKED=2",
	"host.HostTagType":   "MANUAL=0 HARDWARE=1 ALLOC=2 HOSTNAME=3",
	"host.ThreadMode":    "AUTO=0 ALL=1 VARIABLE=2",
}

// methods maps every call to the stem of its request and response messages.
var methods = map[string]string{
	"rqd.RqdInterface.GetRunFrame":                           "rqd.RqdStaticGetRunFrame",
	"rqd.RqdInterface.GetRunningFrameStatus":                 "rqd.RqdStaticGetRunningFrameStatus",
	"rqd.RqdInterface.KillRunningFrame":                      "rqd.RqdStaticKillRunningFrame",
	"rqd.RqdInterface.LaunchFrame":                           "rqd.RqdStaticLaunchFrame",
	"rqd.RqdInterface.Lock":                                  "rqd.RqdStaticLock",
	"rqd.RqdInterface.LockAll":                               "rqd.RqdStaticLockAll",
	"rqd.RqdInterface.NimbyOff":                              "rqd.RqdStaticNimbyOff",
	"rqd.RqdInterface.NimbyOn":                               "rqd.RqdStaticNimbyOn",
	"rqd.RqdInterface.RebootIdle":                            "rqd.RqdStaticRebootIdle",
	"rqd.RqdInterface.RebootNow":                             "rqd.RqdStaticRebootNow",
	"rqd.RqdInterface.ReportStatus":                          "rqd.RqdStaticReportStatus",
	"rqd.RqdInterface.RestartRqdIdle":                        "rqd.RqdStaticRestartIdle",
	"rqd.RqdInterface.RestartRqdNow":                         "rqd.RqdStaticRestartNow",
	"rqd.RqdInterface.ShutdownRqdIdle":                       "rqd.RqdStaticShutdownIdle",
	"rqd.RqdInterface.ShutdownRqdNow":                        "rqd.RqdStaticShutdownNow",
	"rqd.RqdInterface.Unlock":                                "rqd.RqdStaticUnlock",
	"rqd.RqdInterface.UnlockAll":                             "rqd.RqdStaticUnlockAll",
	"rqd.RunningFrame.Kill":                                  "rqd.RunningFrameKill",
	"rqd.RunningFrame.Status":                                "rqd.RunningFrameStatus",
	"report.RqdReportInterface.ReportRqdStartup":             "report.RqdReportRqdStartup",
	"report.RqdReportInterface.ReportStatus":                 "report.RqdReportStatus",
	"report.RqdReportInterface.ReportRunningFrameCompletion": "report.RqdReportRunningFrameCompletion",
}

func TestFields(t *testing.T) {
	t.Parallel()
	have, want := map[string]string{}, map[string]string{}
	for name, list := range fields {
		want[name] = strings.Join(strings.Fields(list), " ")
	}
	for _, f := range files() {
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			have[string(m.FullName())] = describe(m)
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("messages (-want +have):\n%s", diff)
	}
}

func TestEnums(t *testing.T) {
	t.Parallel()
	have := map[string]string{}
	for _, f := range files() {
		for i := range f.Enums().Len() {
			e := f.Enums().Get(i)
			var values []string
			for j := range e.Values().Len() {
				values = append(values, fmt.Sprintf("%s=%d", e.Values().Get(j).Name(), e.Values().Get(j).Number()))
			}
			have[string(e.FullName())] = strings.Join(values, " ")
		}
	}
	if diff := cmp.Diff(enums, have); diff != "" {
		t.Errorf("enums (-want +have):\n%s", diff)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	have := map[string]string{}
	eachMethod(func(m protoreflect.MethodDescriptor) {
		stem := strings.TrimSuffix(string(m.Input().FullName()), "Request")
		if string(m.Output().FullName()) != stem+"Response" || m.IsStreamingClient() || m.IsStreamingServer() {
			t.Errorf("%s is not a unary call from %sRequest to %sResponse", m.FullName(), stem, stem)
		}
		have[string(m.FullName())] = stem
	})
	if diff := cmp.Diff(methods, have); diff != "" {
		t.Errorf("methods (-want +have):\n%s", diff)
	}
}

func eachMethod(visit func(protoreflect.MethodDescriptor)) {
	for _, f := range files() {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				visit(s.Methods().Get(j))
			}
		}
	}
}

func describe(m protoreflect.MessageDescriptor) string {
	var rows []string
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		row := fmt.Sprintf("%d %s %s", f.Number(), f.Name(), typeName(f))
		if o := f.ContainingOneof(); o != nil {
			row += " oneof " + string(o.Name())
		}
		if f.Options().(*descriptorpb.FieldOptions).GetDeprecated() {
			row += " deprecated"
		}
		rows = append(rows, row)
	}
	return strings.Join(rows, ", ")
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("map<%s %s>", typeName(f.MapKey()), typeName(f.MapValue()))
	case f.IsList():
		return "repeated " + elementName(f)
	}
	return elementName(f)
}

func elementName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Message() != nil:
		return string(f.Message().FullName())
	case f.Enum() != nil:
		return string(f.Enum().FullName())
	}
	return f.Kind().String()
}
