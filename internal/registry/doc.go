// Package registry finds the credentials that a registry wants to see, in a docker config.json and by the
// credential helpers it names. Everything is read afresh each time: a pull may come weeks after
// the start, and tokens expire.
package registry
