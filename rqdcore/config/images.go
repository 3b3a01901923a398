package config

import "strings"

func joinOS(images []Image) string {
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = image.OS
	}
	return strings.Join(names, ",")
}
