package wire

// Version is the newest protocol that this build speaks; MinVersion the oldest.
const (
	Version    = 1
	MinVersion = 1
)

// Agrees says whether this rqdcore and the frameinit that says h have a protocol in common. The
// newest that both speak then counts. Version 1 has nothing to tell of it; from version 2 on
// rqdcore has to, since it cannot be read from what is left out.
func Agrees(h Hello) bool {
	oldest := h.Oldest
	if oldest == 0 {
		oldest = h.Version
	}
	return h.Version >= MinVersion && oldest <= Version
}
