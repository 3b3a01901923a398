package machine

import "context"

// GPU is one graphics card.
type GPU struct {
	ID    int   // The engine's and CUDA's index.
	Total int64 // KiB.
	Free  int64 // KiB.
}

// GPUProbe asks the host for its graphics cards.
type GPUProbe interface {
	GPUs(ctx context.Context) ([]GPU, error)
}
