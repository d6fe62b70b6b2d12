package activity

import "net/http"

// An Answer is a response that notices what was answered. It is for the one
// goroutine that answers.
type Answer struct {
	http.ResponseWriter
	Status int   // 0 until there is one; interim ones do not count
	Bytes  int64 // of the body, so far
}

// WriteHeader is http.ResponseWriter's.
func (a *Answer) WriteHeader(status int) {
	if a.Status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		a.Status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write is http.ResponseWriter's.
func (a *Answer) Write(b []byte) (int, error) {
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.Bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *Answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Method keeps invented methods out of logs and metrics: they are "other".
func Method(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
