package mytimetable

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// call asks as the gateway would: who is "account name roles scopes".
func call(h http.Handler, who, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	names := []string{"Grantway-Account", "Grantway-User", "Grantway-Roles", "Grantway-Scope"}
	for i, value := range strings.Split(who, "|") {
		if value != "" {
			r.Header.Set(names[i], value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	nobody  = ""
	student = "ann-id|ann|student|username profile_read"
	staff   = "zoe-id|EDU%5Czo%C3%AB|staff exam%20board|user_read"
)

func TestAPI(t *testing.T) {
	h := API()
	for _, row := range []struct {
		name, who, request, body string
		status                   int
		has, hasNot              string
	}{
		{"types", nobody, "GET /api/v0/timetabletypes", "", 200, `{"timetableType":["location","module","programme","staff"]}`, ""},
		{"rooms", nobody, "GET /api/v0/locations", "", 200, `{"id":"location-1"`, "module"},
		{"a room", nobody, "GET /api/v0/locations/location-1/timetable?limit=1", "", 200, `"Linear algebra"`, "Databases"},
		{"a module as a room", nobody, "GET /api/v0/locations/module-1/timetable", "", 404, "not_found", ""},
		{"no personal timetable as a module", nobody, "GET /api/v0/modules/staff-1/timetable", "", 404, "not_found", ""},
		{"a module", nobody, "GET /api/v0/modules/module-2/timetable?startDate=2026-12-01", "", 200, "2026-12", "2026-11"},
		{"a wrong limit", nobody, "GET /api/v0/modules/module-2/timetable?limit=501", "", 400, "limit", ""},
		{"a limit of none", nobody, "GET /api/v0/modules/module-2/timetable?limit=0", "", 400, "limit", ""},
		{"the highest limit", nobody, "GET /api/v0/modules/module-2/timetable?limit=500", "", 200, "[", ""},
		{"a wrong day", nobody, "GET /api/v0/modules/module-2/timetable?startDate=yesterday", "", 400, "startDate", ""},
		{"whose name", nobody, "GET /api/v0/user", "", 403, "access_denied", ""},
		{"whose timetable", nobody, "GET /api/v0/timetable", "", 403, "access_denied", ""},
		{"whose subscriptions", nobody, "POST /api/v0/profile/subscriptions", `{"id":"module-1"}`, 403, "access_denied", ""},
		{"what nobody sees", nobody, "GET /api/v0/alltimetables", "", 403, "access_denied", ""},
		{"whose messages", nobody, "GET /api/v0/messages", "", 403, "access_denied", ""},
		{"the name", student, "GET /api/v0/user", "", 200, `{"username":"ann"}`, "roles"},
		{"the name and the roles", staff, "GET /api/v0/user", "", 200, `{"roles":["staff","exam board"],"username":"EDU\\zoë"}`, ""},
		{"what a student sees", student, "GET /api/v0/alltimetables", "", 200, "programme-1", "staff-1"}, // U53
		{"what staff sees", staff, "GET /api/v0/alltimetables", "", 200, "staff-1", ""},
		{"one that a student sees", student, "GET /api/v0/alltimetables/programme-1", "", 200, "Linear algebra", ""},
		{"one that a student does not", student, "GET /api/v0/alltimetables/staff-1", "", 404, "not_found", ""},
		{"one that staff sees", staff, "GET /api/v0/alltimetables/staff-1", "", 200, "Examination board", ""},
		{"messages for students", student, "GET /api/v0/messages", "", 200, "Enrolment", "Marks"},
		{"messages for staff", staff, "GET /api/v0/messages", "", 200, "Marks", "Enrolment"},
		{"following nothing", student, "GET /api/v0/timetable", "", 200, "[]", ""},
		{"following what one does not see", student, "POST /api/v0/profile/subscriptions", `{"id":"staff-1"}`, 404, "not_found", ""},
		{"following without saying what", student, "POST /api/v0/profile/subscriptions", `{}`, 404, "not_found", ""},
		{"following", student, "POST /api/v0/profile/subscriptions", `{"id":"module-1"}`, 201, `"Linear algebra"`, ""},
		{"following twice", student, "POST /api/v0/profile/subscriptions", `{"id":"module-1"}`, 200, `"Linear algebra"`, ""},
		{"following its room too", student, "POST /api/v0/profile/subscriptions", `{"id":"location-1"}`, 201, "Boreas", ""},
		{"what one follows", student, "GET /api/v0/profile/subscriptions", "", 200, `module-1`, "module-2"},
		{"what another follows", staff, "GET /api/v0/profile/subscriptions", "", 200, "[]", "module"},
		{"one's timetable", student, "GET /api/v0/timetable", "", 200, "Linear algebra", "Databases"},
		{"no more following", student, "DELETE /api/v0/profile/subscriptions/location-1", "", 204, "", ""},
		{"no more following what one does not", student, "DELETE /api/v0/profile/subscriptions/location-1", "", 404, "not_found", ""},
	} {
		method, path, _ := strings.Cut(row.request, " ")
		w := call(h, row.who, method, path, row.body)
		if said := w.Body.String(); w.Code != row.status || !strings.Contains(said, row.has) || row.hasNot != "" && strings.Contains(said, row.hasNot) {
			t.Errorf("%s: %d %.400s", row.name, w.Code, said)
		}
	}
	sees(t, h, 8)
}

// TestEachEventOnce: who follows a module and its room sees an event once.
func TestEachEventOnce(t *testing.T) {
	h := API()
	for _, id := range []string{"module-1", "location-1"} {
		call(h, student, "POST", "/api/v0/profile/subscriptions", `{"id":"`+id+`"}`)
	}
	sees(t, h, 8)
}

// sees says that the student's timetable has so many events.
func sees(t *testing.T, h http.Handler, want int) {
	t.Helper()
	var own []struct{ ID string }
	if err := json.Unmarshal(call(h, student, "GET", "/api/v0/timetable", "").Body.Bytes(), &own); err != nil || len(own) != want {
		t.Errorf("%d events, %v", len(own), err)
	}
}
