package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadLimited(t *testing.T) {
	for _, limit := range []int{0, 1, 511, 512, 513, 64 << 10, 1 << 20} {
		for _, size := range []int{0, limit, limit + 1, 2*limit + 5} {
			body := bytes.Repeat([]byte("x"), size)
			got, err := ReadLimited(bytes.NewReader(body), int64(limit))
			if size > limit {
				if !errors.Is(err, ErrTooLarge) {
					t.Errorf("limit %d, size %d: %v", limit, size, err)
				}
			} else if err != nil || !bytes.Equal(got, body) {
				t.Errorf("limit %d, size %d: %d bytes, %v", limit, size, len(got), err)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := ReadLimited(iotest.ErrReader(broken), 10); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestReadBody(t *testing.T) {
	request := func(length int64, body string) *http.Request {
		return &http.Request{ContentLength: length, Body: io.NopCloser(strings.NewReader(body))}
	}
	for _, row := range []struct {
		name   string
		length int64
		body   string
		want   error
	}{
		{"declared", 5, "12345", nil},
		{"not declared", -1, "12345", nil},
		{"declared one too many", 6, "123456", ErrTooLarge},
		{"not declared, one too many", -1, "123456", ErrTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := ReadBody(request(row.length, row.body), 5)
			if !errors.Is(err, row.want) || err == nil && string(got) != row.body {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	t.Run("refused before reading", func(t *testing.T) {
		r := request(6, "")
		r.Body = io.NopCloser(iotest.ErrReader(errors.New("was read")))
		if _, err := ReadBody(r, 5); !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})
	if got, err := ReadBody(&http.Request{}, 5); got != nil || err != nil {
		t.Errorf("without a body: %q, %v", got, err)
	}
}

func TestMediaType(t *testing.T) {
	for _, row := range []struct {
		sent string
		kind Kind
		err  error
	}{
		{"", None, nil},
		{"application/x-www-form-urlencoded", Form, nil},
		{"Application/X-WWW-Form-URLEncoded; charset=UTF-8", Form, nil},
		{"application/x-www-form-urlencoded;charset=utf8", Form, nil},
		{"application/json", JSON, nil},
		{"application/json ;\tCharset = \"utf-8\"", JSON, nil},
		{"application/json; version=2; ;", JSON, nil},
		{"application/json; charset=iso-8859-1", JSON, ErrCharset},
		{"application/json; charset=utf-8; charset=utf-7", JSON, ErrCharset},
		{`application/json; charset="utf-16"`, JSON, ErrCharset},
		{"application/json; charset=", JSON, ErrCharset},
		{"application/json, application/json", Other, nil},
		{"application/jsonx", Other, nil},
		{"multipart/form-data; boundary=x", Other, nil},
		{"text/plain", Other, nil},
		{"; charset=utf-8", Other, nil},
	} {
		kind, err := MediaType(row.sent)
		if kind != row.kind || !errors.Is(err, row.err) {
			t.Errorf("%q: got %v, %v; want %v, %v", row.sent, kind, err, row.kind, row.err)
		}
	}
}
