// Package cli is the minicue command: its arguments, what it prints and how it exits.
package cli
