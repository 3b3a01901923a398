// Package sheet puts rendered pictures on one contact sheet.
package sheet

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // Decoder.
	_ "image/jpeg" // Decoder.
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/image/draw"
)

// Layout is how a sheet looks.
type Layout struct {
	Columns int    // Pictures in a row.
	Width   int    // Of a picture, in pixels.
	Title   string // A line above the pictures; empty for none.
}

const (
	maxColumns = 64
	minWidth   = 32
	maxWidth   = 4096
	maxPixels  = 200 << 20 // Of a picture or of the sheet: more is a mistake and would fill the memory.
)

// Check says all that is wrong with the layout.
func (l Layout) Check() error {
	var errs []error
	if l.Columns < 1 || l.Columns > maxColumns {
		errs = append(errs, fmt.Errorf("columns %d: want 1 to %d", l.Columns, maxColumns))
	}
	if l.Width < minWidth || l.Width > maxWidth {
		errs = append(errs, fmt.Errorf("width %d: want %d to %d pixels", l.Width, minWidth, maxWidth))
	}
	return errors.Join(errs...)
}

// shade is a colour written as 0xRRGGBB.
type shade uint32

// RGBA makes a shade a color.Color.
func (s shade) RGBA() (r, g, b, a uint32) {
	return color.RGBA{R: uint8(s >> 16), G: uint8(s >> 8), B: uint8(s), A: 0xff}.RGBA()
}

// A neutral dark grey lets colours be judged; labels are there but do not compete.
const (
	background shade = 0x232326
	matte      shade = 0x161618 // Behind pictures of another shape, and behind what is transparent.
	frameLine  shade = 0x3a3a3f
	labelText  shade = 0xb4b4ba
	titleText  shade = 0xf0f0f2
)

// Write makes the sheet of the pictures in the order given. The file is there whole or not at all.
func Write(path string, pictures []string, l Layout) error {
	s, err := Draw(pictures, l)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write contact sheet: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // No longer there after the rename.
	err = errors.Join(png.Encode(tmp, s), tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write contact sheet %s: %w", path, err)
	}
	return nil
}

// Draw makes the sheet in memory. It holds one picture at a time.
func Draw(pictures []string, l Layout) (*image.RGBA, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	if len(pictures) == 0 {
		return nil, errors.New("contact sheet: no pictures")
	}
	sizes := make([]image.Point, len(pictures))
	for i, p := range pictures {
		size, err := sizeOf(p)
		if err != nil {
			return nil, err
		}
		sizes[i] = size
	}
	g := newGrid(l, sizes)
	if w, h := g.size(); w*h > maxPixels {
		return nil, fmt.Errorf("contact sheet of %d × %d pixels is too large: want a smaller width or fewer pictures", w, h)
	}
	s, err := g.canvas()
	if err != nil {
		return nil, err
	}
	for i, p := range pictures {
		if err := s.place(i, p); err != nil {
			return nil, err
		}
	}
	return s.img, nil
}

func sizeOf(path string) (image.Point, error) {
	f, err := os.Open(path)
	if err != nil {
		return image.Point{}, fmt.Errorf("read picture: %w", err)
	}
	defer func() { _ = f.Close() }() // Only read.
	c, _, err := image.DecodeConfig(f)
	if err != nil {
		return image.Point{}, fmt.Errorf("read picture %s: %w (want PNG, JPEG or GIF)", path, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width*c.Height > maxPixels {
		return image.Point{}, fmt.Errorf("read picture %s: %d × %d pixels are too many or none", path, c.Width, c.Height)
	}
	return image.Pt(c.Width, c.Height), nil
}

func decode(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	defer func() { _ = f.Close() }() // Only read.
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read picture %s: %w", path, err)
	}
	return img, nil
}

// place draws picture number i and its label.
func (s *canvas) place(i int, path string) error {
	img, err := decode(path)
	if err != nil {
		return err
	}
	cell := s.cell(i)
	fill(s.img, cell.Inset(-1), frameLine)
	fill(s.img, cell, matte)
	draw.CatmullRom.Scale(s.img, fit(img.Bounds().Size(), cell), img, img.Bounds(), draw.Over, nil)
	s.label(cell, label(path))
	return nil
}

// fit is the largest rectangle of the picture's shape in the middle of the cell.
func fit(size image.Point, cell image.Rectangle) image.Rectangle {
	w, h := cell.Dx(), cell.Dx()*size.Y/size.X
	if h > cell.Dy() {
		w, h = cell.Dy()*size.X/size.Y, cell.Dy()
	}
	w, h = max(w, 1), max(h, 1)
	at := cell.Min.Add(image.Pt((cell.Dx()-w)/2, (cell.Dy()-h)/2))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}
}

func fill(dst draw.Image, r image.Rectangle, c color.Color) {
	draw.Draw(dst, r, image.NewUniform(c), image.Point{}, draw.Src)
}

var lastNumber = regexp.MustCompile(`(\d+)\D*$`)

// label is the frame number in a picture's name, else the name.
func label(path string) string {
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if m := lastNumber.FindStringSubmatch(base); m != nil {
		return m[1]
	}
	return base
}
