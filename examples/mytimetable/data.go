package mytimetable

import (
	"fmt"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// A timetable is of a room, a module, a year of students or a group of staff.
type timetable struct {
	id, kind, name string
	roles          []string // that see it; none: everybody
}

func (t timetable) object() demo.Object {
	return demo.Object{"id": t.id, "type": t.kind, "name": t.name}
}

func timetables() []timetable {
	staff, both := []string{"staff"}, []string{"staff", "student"}
	return []timetable{
		{"location-1", "location", "Lecture hall Boreas", nil},
		{"location-2", "location", "Room 1.17", nil},
		{"location-3", "location", "Computer room Zephyr", nil},
		{"module-1", "module", "Linear algebra", nil},
		{"module-2", "module", "Databases", nil},
		{"module-3", "module", "History of cartography", nil},
		{"programme-1", "programme", "Mathematics, first year", both},
		{"programme-2", "programme", "Geography, first year", both},
		{"staff-1", "staff", "Examination board", staff},
	}
}

// events gives every timetable two a week for four weeks. A module's are in a
// room, and stand in the timetable of the room too.
func events() map[string][]demo.Object {
	all := map[string][]demo.Object{}
	monday := time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)
	add := func(at time.Time, activity string, ids ...string) {
		e := demo.Object{
			"id": fmt.Sprintf("event-%s-%s", ids[0], at.Format("0102")), "startDate": at.Format(time.RFC3339),
			"endDate": at.Add(105 * time.Minute).Format(time.RFC3339), "activityDescription": activity, "timetables": ids,
		}
		for _, id := range ids {
			all[id] = append(all[id], e)
		}
	}
	for week := range 4 {
		for day, module := range []string{"Linear algebra", "Databases", "History of cartography"} {
			n := day + 1
			for _, later := range []int{0, 2} {
				at := monday.AddDate(0, 0, 7*week+(day+later)%5).Add(time.Duration(2*day) * time.Hour)
				with := []string{fmt.Sprintf("module-%d", n), fmt.Sprintf("location-%d", n)}
				if n < 3 {
					with = append(with, fmt.Sprintf("programme-%d", n))
				}
				add(at, module, with...)
			}
		}
		add(monday.AddDate(0, 0, 7*week+4).Add(6*time.Hour), "Examination board", "staff-1")
	}
	return all
}

// notices are the messages, with the role that reads each; none: everybody.
var notices = []struct{ id, role, text string }{
	{"message-1", "", "The library closes at six on Friday."},
	{"message-2", "student", "Enrolment for the second term begins on Monday."},
	{"message-3", "staff", "Marks are due by the end of the month."},
}
