package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// MaxBody is the largest request body a demo API reads, in bytes; a larger one
// is answered with 413.
const MaxBody = 1 << 20

// Object is a JSON object. An object in a [Collection] is shared between
// requests and is never changed in place: copy it first.
type Object = map[string]any

// Fault is a refusal on its way to the client.
type Fault struct {
	Status      int    // HTTP status
	Code        string // for programs, such as not_found
	Description string // for people: what was wrong and what to do
}

// Error gives the code and the description.
func (f *Fault) Error() string { return f.Code + ": " + f.Description }

// Invalid is a 400 for a request that cannot be understood or served as it is.
func Invalid(description string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

// NotFound is a 404 for an object that is not there.
func NotFound(description string) *Fault {
	return &Fault{Status: http.StatusNotFound, Code: "not_found", Description: description}
}

// Write answers with a status and a value as JSON. A value that JSON cannot
// hold is an error, and then nothing has been written.
func Write(w http.ResponseWriter, status int, value any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	w.Write(body.Bytes()) // a client that has gone away is no fault of the API
	return nil
}

// WriteFault answers with the fault's status and the body
// {"error":code,"error_description":description}.
func WriteFault(w http.ResponseWriter, f *Fault) {
	Write(w, f.Status, struct { // two strings always encode
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}{f.Code, f.Description})
}

// ReadBody reads a body of at most [MaxBody] bytes; a longer one is a [*Fault]
// with status 413, one that breaks off a [*Fault] with status 400.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &Fault{
			Status: http.StatusRequestEntityTooLarge, Code: "too_large",
			Description: "The body may have at most " + strconv.Itoa(MaxBody) + " bytes.",
		}
	}
	if err != nil {
		return nil, Invalid("The body could not be read to its end.")
	}
	return body, nil
}

// ReadObject reads a body that is one JSON object, whatever its Content-Type
// says. Numbers are kept as written ([json.Number]). Errors are those of
// [ReadBody], and a [*Fault] with status 400 for a body that is something else.
func ReadObject(w http.ResponseWriter, r *http.Request) (Object, error) {
	body, err := ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	// Decode alone would leave what stands after the object unread.
	if !json.Valid(body) {
		return nil, Invalid("The body must be one JSON object; this one is not JSON.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var object Object
	if err := dec.Decode(&object); err != nil || object == nil {
		return nil, Invalid("The body must be a JSON object, in braces.")
	}
	return object, nil
}
