package config

import "rqdswarm/internal/spelling"

// nearest is the candidate that name most likely means, or "" when none is close. Names that only
// look alike are warned about, so that many slips are allowed.
func nearest(name string, candidates []string) string {
	return spelling.Nearest(name, candidates, 2+len(name)/5)
}
