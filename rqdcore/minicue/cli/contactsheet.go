package cli

import (
	"fmt"

	"rqdswarm/rqdcore/minicue/sheet"
)

type contactsheetCmd struct {
	Output  string   `help:"The sheet, a PNG." short:"o" required:"" placeholder:"FILE"`
	Columns int      `help:"Pictures in a row (default ${default})." default:"4" placeholder:"N"`
	Width   int      `help:"Width of a picture on the sheet, in pixels (default ${default})." default:"320" placeholder:"PIXELS"`
	Title   string   `help:"A line above the pictures." placeholder:"TEXT"`
	Images  []string `arg:"" help:"Pictures: PNG, JPEG or GIF." placeholder:"IMAGE"`
}

// Run makes the sheet.
func (c *contactsheetCmd) Run(env *Env) error {
	layout := sheet.Layout{Columns: c.Columns, Width: c.Width, Title: c.Title}
	if err := layout.Check(); err != nil {
		return usage(err)
	}
	if err := sheet.Write(c.Output, c.Images, layout); err != nil {
		return err
	}
	_, err := fmt.Fprintln(env.Stdout, c.Output)
	return err
}
