// Package report is RQD's word to Cuebot: the boot report, the periodic host reports, and
// what is owed for every frame that ended.
//
// A Client speaks to whichever Cuebot answers. A Reporter keeps the host known: Cuebot takes
// 300 s of silence for its death. An Outbox delivers completions at least once, for ever.
package report
