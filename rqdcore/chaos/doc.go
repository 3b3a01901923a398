// Command chaos proves that RQD loses nothing. It runs the real rqdcore on the real engine,
// plays Cuebot, keeps frames going, and breaks things at random: it kills and freezes RQD,
// removes containers, cuts connections, fills the state volume. At the end every accepted
// launch must have exactly one outcome, every rqlog each line once, and nothing may be left over.
//
// The faults and the frames follow from the seed, so a failing run can be repeated. What falls
// into which millisecond is the machine's affair: a race may need a few repetitions to show again.
package main
