// Package chart draws the bench's figures. It is the only one that knows the plotting library.
package chart

import (
	"fmt"
	"image/color"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Bar is one subject's median, and between what it varied. Bars of one colour are of the same subject.
type Bar struct {
	Label              string
	Colour             int
	Value, Least, Most float64
}

// Panel is one figure.
type Panel struct {
	Title string
	Unit  string
	Bars  []Bar
}

const (
	columns     = 3
	panelWidth  = 9 * vg.Centimeter
	panelHeight = 6.5 * vg.Centimeter
	barWidth    = 1.2 * vg.Centimeter
	titleWidth  = 40 // Letters in a line of a title.
	labelWidth  = 16 // Letters in a line of a bar's name.
	margin      = 0.7
)

// Draw writes all panels into one SVG.
func Draw(path string, panels []Panel) (err error) {
	if len(panels) == 0 {
		return nil
	}
	rows := (len(panels) + columns - 1) / columns
	canvas := vgsvg.New(columns*panelWidth, vg.Length(rows)*panelHeight)
	tiles := draw.Tiles{
		Rows: rows, Cols: columns, PadX: vg.Centimeter / 2, PadY: vg.Centimeter / 2,
		PadTop: vg.Centimeter / 4, PadBottom: vg.Centimeter / 4, PadLeft: vg.Centimeter / 4, PadRight: vg.Centimeter / 4,
	}
	whole := draw.New(canvas)
	whole.FillPolygon(color.White, whole.ClipPolygonXY([]vg.Point{
		{X: 0, Y: 0}, {X: whole.Max.X, Y: 0}, {X: whole.Max.X, Y: whole.Max.Y}, {X: 0, Y: whole.Max.Y},
	}))
	for i, p := range panels {
		drawn, err := p.plot()
		if err != nil {
			return fmt.Errorf("draw %s: %w", p.Title, err)
		}
		drawn.Draw(tiles.At(whole, i%columns, i/columns))
	}
	file, err := os.Create(path) // #nosec G304 -- where the results go.
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(file); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
}

// spread gives the error bars of a panel.
type spread struct {
	plotter.XYs
	plotter.YErrors
}

func (p Panel) plot() (*plot.Plot, error) {
	out := plot.New()
	out.Title.Text = wrap(p.Title, titleWidth)
	out.Title.TextStyle.Font.Size = 9
	out.Y.Label.Text = p.Unit
	out.Y.Min = 0
	var s spread
	names := make([]string, len(p.Bars))
	for i, b := range p.Bars {
		bar, err := plotter.NewBarChart(plotter.Values{b.Value}, barWidth)
		if err != nil {
			return nil, err
		}
		bar.XMin, bar.Color, bar.LineStyle.Width = float64(i), plotutil.SoftColors[b.Colour%len(plotutil.SoftColors)], 0
		out.Add(bar)
		names[i] = wrap(strings.TrimSuffix(b.Label, ":dev"), labelWidth) // An image's whole name is too wide.
		s.XYs = append(s.XYs, plotter.XY{X: float64(i), Y: b.Value})
		s.YErrors = append(s.YErrors, struct{ Low, High float64 }{b.Value - b.Least, b.Most - b.Value})
	}
	bars, err := plotter.NewYErrorBars(s)
	if err != nil {
		return nil, err
	}
	out.Add(bars)
	out.NominalX(names...)
	out.X.Min, out.X.Max = -margin, float64(len(p.Bars))-1+margin
	out.X.Tick.Label.Font.Size = 7
	return out, nil
}

// wrap breaks a text into lines of so many letters.
func wrap(text string, width int) string {
	var b strings.Builder
	length := 0
	for word := range strings.FieldsSeq(text) {
		if length > 0 && length+len(word) >= width {
			b.WriteByte('\n')
			length = 0
		} else if length > 0 {
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}
