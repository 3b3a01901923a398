package engine

import (
	"slices"

	"github.com/docker/docker/api/types/container"
)

const (
	optNoNewPrivileges = "no-new-privileges"
	// optUnmaskedPaths is docker run's word; the API has two path lists instead.
	optUnmaskedPaths = "systempaths=unconfined"
)

func applyPrivilege(h *container.HostConfig, p Privilege) {
	h.Privileged = p.Privileged
	h.CapAdd = slices.Clone(p.CapAdd)
	h.CapDrop = slices.Clone(p.CapDrop)
	h.ReadonlyRootfs = p.ReadonlyRootfs
	h.DeviceCgroupRules = slices.Clone(p.DeviceCgroupRules)
	for _, opt := range p.SecurityOpt {
		if opt == optUnmaskedPaths {
			h.MaskedPaths, h.ReadonlyPaths = []string{}, []string{}
			continue
		}
		h.SecurityOpt = append(h.SecurityOpt, opt)
	}
	if p.NoNewPrivileges && !slices.Contains(h.SecurityOpt, optNoNewPrivileges) {
		h.SecurityOpt = append(h.SecurityOpt, optNoNewPrivileges)
	}
}
