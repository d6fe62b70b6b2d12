package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// ErrForm says that a form was not sent from a page of ours in this browser.
var ErrForm = errors.New("the form was not sent from a page of this server in this browser")

// Check reports whether the form that r posts was shown by Show to the browser
// with this cookie, for this path. It calls r.ParseForm, so limit the body first.
// It returns ErrForm, also for methods other than POST and for an empty browser.
func (p *Pages) Check(r *http.Request, browser string) error {
	if r.Method != http.MethodPost || browser == "" {
		return ErrForm
	}
	// A page with Referrer-Policy no-referrer posts with "Origin: null" (Fetch §3.3).
	// Browsers that send no Sec-Fetch-Site beside it are told apart by the token alone.
	if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "null" {
		if p.cross.Check(r) != nil {
			return ErrForm
		}
	}
	if r.ParseForm() != nil || len(r.PostForm[FieldToken]) != 1 {
		return ErrForm
	}
	sent, err := base64.RawURLEncoding.Strict().DecodeString(r.PostForm.Get(FieldToken))
	if err != nil || len(sent) != nonceSize+sha256.Size {
		return ErrForm
	}
	if !hmac.Equal(sent[nonceSize:], p.seal(sent[:nonceSize], browser, strings.TrimPrefix(r.URL.Path, p.site.path))) {
		return ErrForm
	}
	return nil
}

// nonceSize in bytes. A nonce makes each token another text, so that nothing
// can be learned from how well pages compress.
const nonceSize = 16

func (p *Pages) seal(nonce []byte, browser, path string) []byte {
	m := hmac.New(sha256.New, p.key)
	m.Write(nonce)
	fmt.Fprintf(m, "%d:%s%s", len(browser), browser, path)
	return m.Sum(nil)
}

// Form is the hidden fields of a form that posts to a path.
func (s *sheet) Form(path string) template.HTML {
	nonce := make([]byte, nonceSize, nonceSize+sha256.Size)
	rand.Read(nonce)
	token := base64.RawURLEncoding.EncodeToString(append(nonce, s.pages.seal(nonce, s.Browser, path)...))
	fields := hidden(FieldToken, token)
	if s.Request != "" {
		fields += hidden(FieldRequest, s.Request)
	}
	return fields
}

func hidden(name, value string) template.HTML {
	return template.HTML(`<input type="hidden" name="` + name + `" value="` + template.HTMLEscapeString(value) + `">`)
}
