package sheet

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// picture writes a picture of one colour.
func picture(t *testing.T, name string, w, h int, c color.Color) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill(img, img.Bounds(), c)
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(name, ".jpg") {
		err = jpeg.Encode(f, img, nil)
	} else {
		err = png.Encode(f, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func wantColour(t *testing.T, img image.Image, at image.Point, wanted color.Color) {
	t.Helper()
	const slack = 6 // JPEG.
	have := color.RGBAModel.Convert(img.At(at.X, at.Y)).(color.RGBA)
	want := color.RGBAModel.Convert(wanted).(color.RGBA)
	for _, d := range []int{int(have.R) - int(want.R), int(have.G) - int(want.G), int(have.B) - int(want.B)} {
		if d > slack || d < -slack {
			t.Errorf("at %v: want %v, have %v", at, want, have)
			return
		}
	}
}

// written counts the pixels of an area that are not background.
func written(img image.Image, r image.Rectangle) (n int) {
	empty := color.RGBAModel.Convert(background)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if color.RGBAModel.Convert(img.At(x, y)) != empty {
				n++
			}
		}
	}
	return n
}

func TestSheetHasEveryPictureInItsPlace(t *testing.T) {
	t.Parallel()
	colours := []color.RGBA{{200, 30, 30, 255}, {30, 200, 30, 255}, {30, 30, 200, 255}, {200, 200, 30, 255}, {30, 200, 200, 255}}
	var pictures []string
	for i, c := range colours {
		ext := []string{"png", "jpg"}[i%2]
		pictures = append(pictures, picture(t, fmt.Sprintf("out.%04d.%s", i+1, ext), 64, 36, c))
	}
	l := Layout{Columns: 3, Width: 160, Title: "demo"}
	out := filepath.Join(t.TempDir(), "sheet.png")
	if err := Write(out, pictures, l); err != nil {
		t.Fatal(err)
	}
	img, err := decode(out)
	if err != nil {
		t.Fatal(err)
	}
	g := newGrid(l, []image.Point{{64, 36}, {64, 36}, {64, 36}, {64, 36}, {64, 36}})
	if w, h := g.size(); img.Bounds() != image.Rect(0, 0, w, h) || g.rows != 2 || g.cellHeight != 90 {
		t.Errorf("want %d × %d with 2 rows of 90, have %v with %d of %d", w, h, img.Bounds(), g.rows, g.cellHeight)
	}
	for i, c := range colours {
		cell := g.cell(i)
		middle := cell.Min.Add(cell.Size().Div(2))
		wantColour(t, img, middle, c)
		wantColour(t, img, cell.Min.Add(image.Pt(1, 1)), c)
		below := image.Rect(cell.Min.X, cell.Max.Y+2, cell.Max.X, cell.Max.Y+g.labelHeight())
		if n := written(img, below); n < 20 {
			t.Errorf("picture %d: want a label below it, have %d pixels", i+1, n)
		}
	}
	if n := written(img, image.Rect(g.margin, g.margin, img.Bounds().Dx(), g.margin+int(g.titleSize*1.2))); n < 50 {
		t.Errorf("want a title, have %d pixels", n)
	}
	empty := g.cell(5)
	if n := written(img, empty); n != 0 {
		t.Errorf("place without a picture: want background, have %d other pixels", n)
	}
	for _, at := range []image.Point{{0, 0}, {img.Bounds().Dx() - 1, img.Bounds().Dy() - 1}, {g.cell(0).Max.X + g.gap/2, g.cell(0).Min.Y + 5}} {
		wantColour(t, img, at, background)
	}
}

func TestPicturesOfOtherShapesGetBars(t *testing.T) {
	t.Parallel()
	blue := color.RGBA{20, 20, 220, 255}
	wide := picture(t, "a1.png", 200, 50, blue)
	tall := picture(t, "a2.png", 50, 100, blue)
	glass := picture(t, "a3.png", 50, 50, color.RGBA{})
	l := Layout{Columns: 3, Width: 100}
	img, err := Draw([]string{wide, tall, glass}, l)
	if err != nil {
		t.Fatal(err)
	}
	g := newGrid(l, []image.Point{{200, 50}, {50, 100}, {50, 50}})
	if g.cellHeight != 200 {
		t.Fatalf("cell height: want 200, have %d", g.cellHeight)
	}
	c := g.cell(0)
	wantColour(t, img, c.Min.Add(image.Pt(50, 100)), blue)
	wantColour(t, img, c.Min.Add(image.Pt(50, 60)), matte)
	c = g.cell(1)
	wantColour(t, img, c.Min.Add(image.Pt(50, 5)), blue)
	wantColour(t, img, g.cell(2).Min.Add(image.Pt(50, 100)), matte)
}

func TestLabels(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/x/out.0007.png":     "0007",
		"shot12_0030.jpg":     "0030",
		"frame-12-beauty.png": "12",
		"cover.png":           "cover",
		"v2/cover.png":        "cover",
	} {
		if have := label(in); have != want {
			t.Errorf("%s: want %s, have %s", in, want, have)
		}
	}
}

func TestBadPictures(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "not-a-picture.png")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := picture(t, "1.png", 10, 10, color.White)
	out := filepath.Join(t.TempDir(), "sheet.png")
	for name, c := range map[string]struct {
		pictures []string
		want     string
	}{
		"none":         {nil, "no pictures"},
		"missing":      {[]string{good, "/no/such.png"}, "/no/such.png"},
		"not one":      {[]string{good, text}, "not-a-picture.png"},
		"far too many": {slicesRepeat(good, 64*200), "too large"},
	} {
		err := Write(out, c.pictures, Layout{Columns: 64, Width: 4096})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want an error with %q, have %v", name, c.want, err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("want nothing written, have %v, %v", left, err)
	}
}

func slicesRepeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestCheckNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	err := Layout{Columns: 0, Width: 5}.Check()
	if err == nil || !strings.Contains(err.Error(), "columns 0") || !strings.Contains(err.Error(), "width 5") {
		t.Errorf("have %v", err)
	}
}

func TestLongTitleIsCut(t *testing.T) {
	t.Parallel()
	l := Layout{Columns: 1, Width: 100, Title: strings.Repeat("long title ", 40)}
	img, err := Draw([]string{picture(t, "1.png", 10, 10, color.White)}, l)
	if err != nil {
		t.Fatal(err)
	}
	g := newGrid(l, []image.Point{{10, 10}})
	if n := written(img, image.Rect(img.Bounds().Dx()-g.margin+1, 0, img.Bounds().Dx(), g.margin+int(g.titleSize*1.2))); n != 0 {
		t.Errorf("want nothing in the right margin, have %d pixels", n)
	}
}
