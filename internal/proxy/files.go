package proxy

import (
	"net/http"
	"os"
	"strings"
)

// files serves the front-end's folder. Names that begin with a dot are not served,
// and neither are listings of folders.
func files(folder, policy string) http.Handler {
	root, err := os.OpenRoot(folder) // no link leads out of it
	if err != nil {
		return http.NotFoundHandler()
	}
	serve := http.FileServerFS(root.FS())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hidden(r.URL.Path) || listing(root, r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache") // asked about each time, sent when it changed
		serve.ServeHTTP(w, r)
	})
}

func hidden(path string) bool { return strings.Contains(path, "/.") }

// listing reports whether a path is a folder without a page.
func listing(root *os.Root, path string) bool {
	name := strings.Trim(path, "/")
	if name == "" {
		name = "."
	}
	at, err := root.Stat(name)
	if err != nil || !at.IsDir() {
		return false
	}
	_, err = root.Stat(name + "/index.html")
	return err != nil
}
