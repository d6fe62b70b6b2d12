package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

// An asset is a file that pages refer to. Its name holds a hash of its content,
// so that it never changes under that name.
type asset struct {
	mediaType string
	content   []byte
}

// add keeps an asset and returns the name under which it is served.
func (s *Site) add(name, ending, mediaType string, content []byte) string {
	sum := sha256.Sum256(content)
	full := name + "-" + hex.EncodeToString(sum[:8]) + ending
	s.assets[full] = asset{mediaType, content}
	return full
}

// Assets serves what the site's pages refer to. It goes by the last element of
// the path, so that it does not matter how much of the prefix was stripped.
func (s *Site) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Reads(w, r) {
			return
		}
		h := w.Header()
		a, ok := s.assets[path.Base(r.URL.Path)]
		if !ok {
			Send(w, r, http.StatusNotFound, "text/plain; charset=utf-8", []byte("There is no such file.\n"))
			return
		}
		protect(h)
		if strings.HasPrefix(a.mediaType, "image/") {
			// Opened by itself, an SVG is a page. It may style itself and do nothing else.
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")
		}
		h.Set("Content-Type", a.mediaType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // RFC 8246 §2
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	})
}
