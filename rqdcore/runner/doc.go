// Package runner gives one frame its container: it plans it, starts it, follows it and says
// how it ended. Every frame has one goroutine in Runner.Run, which owns all of that frame's
// state; kills, messages of frameinit and hints of the engine reach it as values.
package runner
