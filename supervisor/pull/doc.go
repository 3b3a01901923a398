// Package pull gets RQD's image onto this node: by policy, with credentials read afresh for each
// attempt, with a back-off, and with the local image as the last resort.
package pull
