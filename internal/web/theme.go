package web

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// A Theme is a publisher's brand on top of the common look. The zero value is a
// usable one.
type Theme struct {
	Name   string // of the publisher or the product, as people say it; empty means Grantway
	Accent Colour // of links and buttons
	Logo   Logo   // beside the name, in place of the common picture; zero for that
}

// A Colour is a colour of the publisher's. The zero value stands for the colour
// of the common look.
type Colour struct {
	red, green, blue uint8
	set              bool
}

// ErrColour says that a text is not a colour.
var ErrColour = errors.New("a colour is written #rrggbb, in hexadecimal digits")

// ParseColour reads #rrggbb. Any colour will do: where it would not stand out
// enough from the page, a darker or a lighter shade of it is used. It returns
// ErrColour.
func ParseColour(text string) (Colour, error) {
	if len(text) != 7 || text[0] != '#' {
		return Colour{}, ErrColour
	}
	n, err := strconv.ParseUint(text[1:], 16, 32)
	if err != nil {
		return Colour{}, ErrColour
	}
	return Colour{uint8(n >> 16), uint8(n >> 8), uint8(n), true}, nil
}

// String writes #rrggbb.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.red, c.green, c.blue) }

// The grounds on which an accent must be readable: the most trying of the style
// sheet's, in each scheme. A test compares them with the style sheet.
var (
	lightGround = Colour{0xee, 0xf1, 0xf4, true}
	darkGround  = Colour{0x22, 0x29, 0x30, true}
	white       = Colour{0xff, 0xff, 0xff, true}
	black       = Colour{0, 0, 0, true}
)

func (t Theme) name() string {
	if t.Name == "" {
		return "Grantway"
	}
	return t.Name
}

// style is the style sheet, with the theme's colour at its end.
func (t Theme) style() []byte {
	sheet := mustRead("assets/grantway.css")
	if !t.Accent.set {
		return sheet
	}
	return fmt.Appendf(sheet, "\n:root { --accent: light-dark(%s, %s); }\n",
		t.Accent.readable(lightGround, black), t.Accent.readable(darkGround, white))
}

// mark is the picture that browsers show beside the title.
func (t Theme) mark() []byte {
	mark := mustRead("assets/mark.svg")
	if !t.Accent.set {
		return mark
	}
	return bytes.Replace(mark, []byte(markColour), []byte(t.Accent.readable(lightGround, black).String()), 1)
}

// markColour is the colour of the picture where the theme has none.
const markColour = "#0b5f73"

// readable is the shade of c, moved towards another colour as little as needed,
// that text of it can be read on the ground.
func (c Colour) readable(ground, towards Colour) Colour {
	const enough, steps = 4.5, 32 // WCAG 2.2, success criterion 1.4.3
	for i := range steps {
		if shade := c.mixed(towards, float64(i)/steps); contrast(shade, ground) >= enough {
			return shade
		}
	}
	return towards
}

func (c Colour) mixed(other Colour, part float64) Colour {
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-part) + float64(b)*part)) }
	return Colour{mix(c.red, other.red), mix(c.green, other.green), mix(c.blue, other.blue), true}
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2, from 0 to 1.
func (c Colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.red) + 0.7152*linear(c.green) + 0.0722*linear(c.blue)
}

// mustRead reads an embedded file, which is there or the program does not build.
func mustRead(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("web: " + err.Error())
	}
	return b
}
