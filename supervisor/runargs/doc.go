// Package runargs reads RQD_RUN_ARGS: the docker run flags that one would have added to the line
// of the guide's script.
//
// Values mean what they mean to docker run, most of them by docker's own parsers. Only flags that
// the table knows are taken; the others are an error that lists what is known. Flags that the
// supervisor decides itself are refused with the setting to use instead. Where a flag and the
// run line disagree on anything else, the flag wins.
package runargs
