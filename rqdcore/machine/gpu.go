package machine

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// GPU is one graphics card.
type GPU struct {
	ID    int   // The engine's and CUDA's index.
	Total int64 // kB of 1000 bytes, as Free.
	Free  int64
}

// GPUProbe asks the host for its graphics cards.
type GPUProbe interface {
	GPUs(ctx context.Context) ([]GPU, error)
}

// NvidiaSMI is a GPUProbe that runs nvidia-smi by way of Run, which may do so in a container.
type NvidiaSMI struct {
	Run func(ctx context.Context, command ...string) ([]byte, error)
}

// NvidiaQuery is the command whose output ParseNvidiaSMI reads.
func NvidiaQuery() []string {
	return []string{"nvidia-smi", "--query-gpu=index,memory.total,memory.free", "--format=csv,noheader,nounits"}
}

// GPUs implements GPUProbe.
func (n NvidiaSMI) GPUs(ctx context.Context) ([]GPU, error) {
	out, err := n.Run(ctx, NvidiaQuery()...)
	if err != nil {
		return nil, fmt.Errorf("run nvidia-smi: %w", err)
	}
	return ParseNvidiaSMI(string(out))
}

// ParseNvidiaSMI reads the lines INDEX, TOTAL, FREE with memory in MiB. Cards that share the
// host's memory say "[N/A]" and count as having none of their own.
func ParseNvidiaSMI(csv string) ([]GPU, error) {
	var list []GPU
	seen := make(map[int]bool)
	for line := range strings.Lines(csv) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) != 3 {
			return nil, fmt.Errorf("read nvidia-smi: line %q, want INDEX, TOTAL, FREE", strings.TrimSpace(line))
		}
		id, err := strconv.ParseUint(strings.TrimSpace(fields[0]), 10, 16)
		if err != nil || seen[int(id)] {
			return nil, fmt.Errorf("read nvidia-smi: index %q, want the number of one card", strings.TrimSpace(fields[0]))
		}
		total, err := kilobytes(fields[1])
		if err != nil {
			return nil, err
		}
		free, err := kilobytes(fields[2])
		if err != nil {
			return nil, err
		}
		seen[int(id)] = true
		list = append(list, GPU{ID: int(id), Total: total, Free: min(free, total)})
	}
	return list, nil
}

// kilobytes turns nvidia-smi's MiB, "16130", "16130 MiB" or "[N/A]", into what Cuebot has always been told: thousands of
// bytes, rounded up. Layers are booked by these numbers: in KiB a card of 16 GB would no longer do for a layer of 16 GB.
func kilobytes(field string) (int64, error) {
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(field), "MiB"))
	if strings.HasPrefix(text, "[") {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > math.MaxInt64/1024/1024/1024 {
		return 0, fmt.Errorf("read nvidia-smi: memory %q, want a number of MiB", text)
	}
	return int64((n*1048576 + 999) / 1000), nil // #nosec G115 -- held to 33 bits above.
}
