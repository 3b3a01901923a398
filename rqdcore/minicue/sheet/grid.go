package sheet

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// grid is the arithmetic of a sheet. All cells have one shape, that of the tallest picture:
// nothing is cropped, and pictures of another shape get bars.
type grid struct {
	layout        Layout
	columns, rows int
	cellHeight    int
	margin, gap   int
	labelSize     float64 // Of the type, in pixels.
	titleSize     float64
}

func newGrid(l Layout, sizes []image.Point) grid {
	g := grid{layout: l, columns: min(l.Columns, len(sizes))}
	g.rows = (len(sizes) + g.columns - 1) / g.columns
	for _, s := range sizes {
		g.cellHeight = max(g.cellHeight, l.Width*s.Y/s.X)
	}
	// A very tall picture must not blow the sheet up: it gets bars at its sides instead.
	g.cellHeight = max(min(g.cellHeight, 2*l.Width), 1)
	g.labelSize = min(max(float64(l.Width)/22, 11), 26)
	g.titleSize = g.labelSize * 1.6
	g.gap = int(g.labelSize)
	g.margin = 2 * g.gap
	return g
}

func (g grid) labelHeight() int { return int(g.labelSize * 1.7) }

func (g grid) titleHeight() int {
	if g.layout.Title == "" {
		return 0
	}
	return int(g.titleSize*1.2) + g.gap
}

func (g grid) size() (w, h int) {
	w = 2*g.margin + g.columns*g.layout.Width + (g.columns-1)*g.gap
	h = 2*g.margin + g.titleHeight() + g.rows*(g.cellHeight+g.labelHeight()) + (g.rows-1)*g.gap
	return w, h
}

// cell is where picture number i goes.
func (g grid) cell(i int) image.Rectangle {
	col, row := i%g.columns, i/g.columns
	x := g.margin + col*(g.layout.Width+g.gap)
	y := g.margin + g.titleHeight() + row*(g.cellHeight+g.labelHeight()+g.gap)
	return image.Rect(x, y, x+g.layout.Width, y+g.cellHeight)
}

// canvas is a sheet that is being drawn.
type canvas struct {
	grid
	img    *image.RGBA
	labels font.Face
}

// canvas is the empty sheet with its title.
func (g grid) canvas() (*canvas, error) {
	w, h := g.size()
	s := &canvas{grid: g, img: image.NewRGBA(image.Rect(0, 0, w, h))}
	fill(s.img, s.img.Bounds(), background)
	var err error
	if s.labels, err = face(goregular.TTF, g.labelSize); err != nil {
		return nil, err
	}
	if g.layout.Title == "" {
		return s, nil
	}
	titles, err := face(gomedium.TTF, g.titleSize)
	if err != nil {
		return nil, err
	}
	s.text(textLine{face: titles, colour: titleText, text: g.layout.Title, at: image.Pt(g.margin, g.margin+int(g.titleSize)), width: w - 2*g.margin})
	return s, nil
}

func face(ttf []byte, size float64) (font.Face, error) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	out, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("scale font: %w", err)
	}
	return out, nil
}

// label writes a picture's label below it.
func (s *canvas) label(cell image.Rectangle, text string) {
	at := image.Pt(cell.Min.X, cell.Max.Y+int(s.labelSize*1.35))
	s.text(textLine{face: s.labels, colour: labelText, text: text, at: at, width: cell.Dx()})
}

type textLine struct {
	face   font.Face
	colour color.Color
	text   string
	at     image.Point // Left end of the base line.
	width  int
}

// text writes a line, cut with an ellipsis where it is too long.
func (s *canvas) text(l textLine) {
	d := font.Drawer{Dst: s.img, Src: image.NewUniform(l.colour), Face: l.face, Dot: fixed.P(l.at.X, l.at.Y)}
	runes := []rune(l.text)
	text := l.text
	for len(runes) > 0 && d.MeasureString(text) > fixed.I(l.width) {
		runes = runes[:len(runes)-1]
		text = string(runes) + "…"
	}
	d.DrawString(text)
}
