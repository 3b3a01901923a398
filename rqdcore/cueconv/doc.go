// Package cueconv translates between the wire format of Cuebot and the words of the domain.
// It does no I/O and knows nothing of the host; what it accepts, some host could carry out.
package cueconv
