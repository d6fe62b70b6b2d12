package web

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseColour(t *testing.T) {
	for text, want := range map[string]string{"#0b5F73": "#0b5f73", "#000000": "#000000", "#ffffff": "#ffffff"} {
		c, err := ParseColour(text)
		if err != nil || c.String() != want || !c.set {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "0b5f73", "#0b5f7", "#0b5f733", "#0b5f7g", "#+b5f73", "#0b_f73", "red", "#fff;}*{}", "#\x00\x00\x00\x00\x00\x00"} {
		if _, err := ParseColour(text); !errors.Is(err, ErrColour) {
			t.Errorf("%q: %v, want ErrColour", text, err)
		}
	}
}

func TestContrastAgreesWithItsDefinition(t *testing.T) {
	if got := contrast(black, white); got < 20.99 || got > 21.01 {
		t.Errorf("black on white: %v, want 21", got)
	}
	grey := Colour{0x77, 0x77, 0x77, true}
	if got := contrast(grey, white); got < 4.47 || got > 4.49 {
		t.Errorf("#777777 on white: %v, want 4.48", got)
	}
}

func TestAnyAccentBecomesReadable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Colour{rapid.Byte().Draw(t, "red"), rapid.Byte().Draw(t, "green"), rapid.Byte().Draw(t, "blue"), true}
		for ground, towards := range map[Colour]Colour{lightGround: black, darkGround: white} {
			shade := c.readable(ground, towards)
			if contrast(shade, ground) < 4.5 {
				t.Fatalf("%v became %v on %v: contrast %v", c, shade, ground, contrast(shade, ground))
			}
			if contrast(c, ground) >= 4.5 && shade != c {
				t.Fatalf("%v was readable on %v and became %v", c, ground, shade)
			}
		}
	})
}

// token reads a light-dark() pair of the style sheet.
func token(t *testing.T, name string) [2]Colour {
	t.Helper()
	m := regexp.MustCompile(`--` + name + `: light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindSubmatch(mustRead("assets/grantway.css"))
	if m == nil {
		t.Fatalf("the style sheet has no pair of colours called %s", name)
	}
	var pair [2]Colour
	for i := range pair {
		c, err := ParseColour(string(m[i+1]))
		if err != nil {
			t.Fatal(err)
		}
		pair[i] = c
	}
	return pair
}

func TestTheStyleSheetsColoursHaveContrast(t *testing.T) {
	schemes := []string{"light", "dark"}
	for _, ground := range []string{"surface", "raised", "code"} {
		on := token(t, ground)
		for name, least := range map[string]float64{
			"text": 4.5, "muted": 4.5, "accent": 4.5, "good": 4.5, "warn": 4.5, "bad": 4.5,
			"line": 3, // WCAG 2.2, success criterion 1.4.11
		} {
			if name == "line" && ground == "code" {
				continue // no line is drawn there
			}
			for i, c := range token(t, name) {
				if got := contrast(c, on[i]); got < least {
					t.Errorf("%s: %s on %s has contrast %.2f, want %v", schemes[i], name, ground, got, least)
				}
			}
		}
	}
	if hard := token(t, "code"); hard != [2]Colour{lightGround, darkGround} {
		t.Errorf("accents are made for %v and %v, the style sheet's hardest grounds are %v", lightGround, darkGround, hard)
	}
}

func TestThemeStyle(t *testing.T) {
	yellow, err := ParseColour("#ffee00")
	if err != nil {
		t.Fatal(err)
	}
	themed := string(Theme{Accent: yellow}.style())
	if !strings.Contains(themed, "\n:root { --accent: light-dark(#") || !strings.Contains(themed, ", #ffee00); }\n") {
		t.Errorf("the theme's colour is not at the end: %q", themed[len(themed)-80:])
	}
	if strings.Contains(string(Theme{Accent: yellow}.mark()), markColour) || !strings.Contains(string(Theme{}.mark()), markColour) {
		t.Error("the picture does not follow the theme")
	}
}
