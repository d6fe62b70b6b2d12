package web

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
)

func TestParseLogo(t *testing.T) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	const open, end = `<svg xmlns="http://www.w3.org/2000/svg">`, `</svg>`
	padded := func(size int) string { return open + strings.Repeat(" ", size-len(open)-len(end)) + end }
	for name, row := range map[string]struct {
		content, want string
	}{
		"PNG":                  {picture.String(), "image/png"},
		"SVG":                  {open + `<path d="M0 0"/>` + end, "image/svg+xml"},
		"SVG with a prologue":  {`<?xml version="1.0"?><!-- x -->` + open + end, "image/svg+xml"},
		"as large as may be":   {padded(MaxLogo), "image/svg+xml"},
		"too large":            {padded(MaxLogo + 1), ""},
		"empty":                {"", ""},
		"HTML":                 {"<html><script>alert(1)</script></html>", ""},
		"SVG without its name": {"<svg/>", ""},
		"SVG with entities":    {`<!DOCTYPE svg [<!ENTITY a "b">]>` + open + end, ""},
		"SVG that is not over": {open, ""},
		"PNG that is none":     {"\x89PNG\r\n\x1a\nxx", ""},
		"a huge PNG":           {string(wide(picture.Bytes(), 4097)), ""},
		"a large PNG":          {string(wide(picture.Bytes(), 4096)), "image/png"},
		"GIF":                  {"GIF89a", ""},
	} {
		logo, err := ParseLogo([]byte(row.content))
		if logo.mediaType != row.want || (err == nil) != (row.want != "") || err != nil && !errors.Is(err, ErrLogo) {
			t.Errorf("%s: %q, %v", name, logo.mediaType, err)
		}
	}
}

// wide is a PNG whose header says that it is so wide.
func wide(picture []byte, width uint32) []byte {
	p := bytes.Clone(picture)
	binary.BigEndian.PutUint32(p[16:], width)
	binary.BigEndian.PutUint32(p[29:], crc32.ChecksumIEEE(p[12:29]))
	return p
}

func TestALogoIsAPictureAndNothingElse(t *testing.T) { // row R05
	const hostile = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`
	logo, err := ParseLogo([]byte(hostile))
	if err != nil {
		t.Fatal(err)
	}
	s := NewSite(Theme{Logo: logo}, "/at")
	w := get(t, notice(s, Notice{What: "x"}), http.MethodGet, "/")
	if body := w.Body.String(); strings.Contains(body, "alert") || !strings.Contains(body, `<img class="logo" src="/at/assets/logo-`) {
		t.Error(body)
	}
	w = get(t, s.Assets().ServeHTTP, http.MethodGet, s.asset(s.logo))
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; sandbox") || !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "script") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	if w.Header().Get("Content-Type") != "image/svg+xml" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", w.Header())
	}
}
