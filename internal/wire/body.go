package wire

import (
	"io"
	"net/http"
	"strings"
)

// ReadBody reads the body of a request, at most limit bytes. One that declares
// more is refused before anything is read. ErrTooLarge means that the rest was
// not read: answer 413 and close the connection. Other errors are the reader's.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, ErrTooLarge
	}
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	return readLimited(r.Body, r.ContentLength, limit)
}

// ReadLimited reads to the end, at most limit bytes; where there are more it
// returns ErrTooLarge. Other errors are the reader's.
func ReadLimited(r io.Reader, limit int64) ([]byte, error) {
	return readLimited(r, -1, limit)
}

func readLimited(r io.Reader, declared, limit int64) ([]byte, error) {
	// A declared length is a stranger's claim: it may save us growing, up to a
	// size that a thousand silent connections may claim too.
	room := min(declared, 64<<10, limit)
	if declared < 0 {
		room = min(512, limit)
	}
	data := make([]byte, 0, room+1)
	for {
		n, err := r.Read(data[len(data):min(int64(cap(data)), limit+1)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, ErrTooLarge
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}

// Kind is a media type as far as requests are told apart by it.
type Kind int

// The kinds of media type.
const (
	None  Kind = iota // no Content-Type was sent
	Form              // application/x-www-form-urlencoded
	JSON              // application/json
	Other             // anything else
)

// MediaType says what a Content-Type header names. Parameters do not count,
// except that a charset other than UTF-8 is ErrCharset; the kind is returned
// with it.
func MediaType(contentType string) (Kind, error) {
	if contentType == "application/x-www-form-urlencoded" { // nearly always
		return Form, nil
	}
	media, parameters, _ := strings.Cut(contentType, ";")
	media = strings.Trim(media, " \t")
	kind := Other
	switch {
	case media == "" && parameters == "":
		return None, nil
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		kind = Form
	case strings.EqualFold(media, "application/json"):
		kind = JSON
	}
	for parameters != "" {
		var parameter string
		parameter, parameters, _ = strings.Cut(parameters, ";")
		name, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "charset") {
			continue
		}
		value = strings.Trim(value, " \t")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		}
		// "utf8" is the other label of the same encoding.
		if !strings.EqualFold(value, "utf-8") && !strings.EqualFold(value, "utf8") {
			return kind, ErrCharset
		}
	}
	return kind, nil
}
