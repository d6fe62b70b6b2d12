package fitness

import (
	"fmt"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// The sizes of the demo: enough that lists have more than one page.
const (
	accountCount   = 48
	moveCount      = 240
	biometricCount = 96
	classCount     = 30
	bookingCount   = 60
)

// monday is the first day of the invented data.
var monday = time.Date(2026, time.October, 5, 0, 0, 0, 0, time.UTC)

var (
	nicknames  = []string{"Aspen", "Bolt", "Comet", "Dune", "Ember", "Fjord", "Gale", "Harbour"}
	activities = []string{"running", "rowing", "cycling", "strength", "yoga", "swimming"}
	places     = []string{"Harbour Street", "Old Mill", "Northgate", "Station Square"}
)

func several(n int, one func(i int) demo.Object) []demo.Object {
	all := make([]demo.Object, n)
	for i := range all {
		all[i] = one(i)
	}
	return all
}

func id(kind string, i int) string { return fmt.Sprintf("%s-%03d", kind, i+1) }

func day(n int) string { return monday.AddDate(0, 0, n).Format(time.DateOnly) }

func clock(n, hour int) string {
	return monday.AddDate(0, 0, n).Add(time.Duration(hour) * time.Hour).Format(time.RFC3339)
}

func accounts() []demo.Object {
	return several(accountCount, func(i int) demo.Object {
		return demo.Object{
			"id": id("account", i), "nickname": fmt.Sprintf("%s %d", nicknames[i%len(nicknames)], i/len(nicknames)+1),
			"facility_id": id("facility", i%len(places)), "member_since": day(-7 * (i + 1)), "status": "active",
		}
	})
}

func moves() []demo.Object {
	return several(moveCount, func(i int) demo.Object {
		return demo.Object{
			"id": id("move", i), "account_id": id("account", i%accountCount), "activity": activities[i%len(activities)],
			"started_at": clock(i/accountCount, 6+i%14), "duration_seconds": 900 + 60*(i%40),
			"average_heart_rate": 105 + i%55, "effort_points": 40 + 3*(i%50),
		}
	})
}

func biometrics() []demo.Object {
	return several(biometricCount, func(i int) demo.Object {
		return demo.Object{
			"id": id("biometric", i), "account_id": id("account", i%accountCount), "measured_on": day(i / accountCount * 28),
			"resting_heart_rate": 52 + i%20, "height_cm": 158 + i%35, "weight_kg": 55 + i%40,
		}
	})
}

func classesAndBookings() []demo.Object {
	classes := several(classCount, func(i int) demo.Object {
		return demo.Object{
			"id": id("class", i), "kind": "class", "facility_id": id("facility", i%len(places)),
			"title": "Group " + activities[i%len(activities)], "starts_at": clock(i/4, 7+i%12), "duration_seconds": 2700, "places": 16,
		}
	})
	bookings := several(bookingCount, func(i int) demo.Object {
		return demo.Object{
			"id": id("booking", i), "kind": "booking", "class_id": id("class", i%classCount),
			"account_id": id("account", i%accountCount), "booked_at": clock(-1, 8+i%12),
		}
	})
	return append(classes, bookings...)
}

func challenges() []demo.Object {
	return several(len(activities), func(i int) demo.Object {
		return demo.Object{
			"id": id("challenge", i), "title": "A month of " + activities[i],
			"starts_on": day(0), "ends_on": day(27), "goal_effort_points": 1000 + 100*i, "participants": 8 + 3*i,
		}
	})
}

func facilities() []demo.Object {
	return several(len(places), func(i int) demo.Object {
		return demo.Object{
			"id": id("facility", i), "name": "Demo Fitness " + places[i], "city": "Riverbend", "country": "GB",
			"opens": "06:00", "closes": "22:00",
		}
	})
}
