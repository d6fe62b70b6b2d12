package web

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"strings"
)

// A Logo is a publisher's picture: SVG or PNG. The zero value is none.
type Logo struct {
	mediaType, ending, content string
}

// MaxLogo is the size of the largest logo, in bytes.
const MaxLogo = 64 << 10

// ErrLogo says that a file is no logo; what wraps it says why.
var ErrLogo = errors.New("not a logo")

// ParseLogo tells an SVG or a PNG by its content. An SVG may hold what it likes,
// for browsers run nothing in pictures; but it has to be well-formed and without a
// document type. It returns ErrLogo.
func ParseLogo(content []byte) (Logo, error) {
	if len(content) > MaxLogo {
		return Logo{}, fmt.Errorf("%w: %d bytes, and %d is the most", ErrLogo, len(content), MaxLogo)
	}
	if bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")) {
		size, err := png.DecodeConfig(bytes.NewReader(content))
		if err != nil {
			return Logo{}, fmt.Errorf("%w: %w", ErrLogo, err)
		}
		if size.Width > 4096 || size.Height > 4096 {
			return Logo{}, fmt.Errorf("%w: %d by %d points, and 4096 by 4096 is the most", ErrLogo, size.Width, size.Height)
		}
		return Logo{"image/png", ".png", string(content)}, nil
	}
	if err := checkSVG(content); err != nil {
		return Logo{}, fmt.Errorf("%w: neither PNG nor SVG: %w", ErrLogo, err)
	}
	return Logo{"image/svg+xml", ".svg", string(content)}, nil
}

func checkSVG(content []byte) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	root := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.Directive:
			return errors.New("it has a document type")
		case xml.StartElement:
			if !root && (token.Name.Local != "svg" || token.Name.Space != "http://www.w3.org/2000/svg") {
				return fmt.Errorf("it begins with %q", strings.ToValidUTF8(token.Name.Local, "?"))
			}
			root = true
		}
	}
}
