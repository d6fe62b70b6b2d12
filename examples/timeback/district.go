package timeback

import (
	"fmt"
	"strings"
	"time"

	"github.com/grantway/grantway/examples/demo"
)

// opened is when the invented district's records begin; each kind of object is
// modified one minute after the one before it.
var opened = time.Date(2026, time.August, 3, 8, 0, 0, 0, time.UTC)

// Sizes of the district beyond what its grades and subjects give.
const (
	studentCount = 352
	teacherCount = 40
)

type school struct{ id, name, grades string }

var schools = []school{
	{"org-school-alder", "Alder Creek Elementary School", "KG 01 02 03 04 05"},
	{"org-school-birch", "Birch Hill Elementary School", "KG 01 02 03 04 05"},
	{"org-school-cedar", "Cedar Grove Middle School", "06 07 08"},
	{"org-school-dogwood", "Dogwood High School", "09 10 11 12"},
}

// The core subjects stand first: Birch Hill teaches only those.
const coreSubjects = 5

var (
	grades    = strings.Fields("KG 01 02 03 04 05 06 07 08 09 10 11 12")
	subjects  = []string{"Mathematics", "Reading", "Writing", "Science", "Social Studies", "Art", "Music", "Physical Education", "Computing"}
	electives = []string{"Robotics", "Journalism", "Astronomy"}

	givenNames = strings.Fields("Amara Ben Carla Dmitri Elif Farid Grace Hiro Ines Jonas Kavya Liam Mei Noah Oluchi Priya Quinn Rosa Samir Tara Uma Viktor Wren Ximena Yusuf")
	surnames   = strings.Fields("Abbott Bianchi Chen Diallo Evans Fischer Garcia Haddad Ivanova Jensen Kim Lopez Mbeki Novak Okafor Patel Rossi Singh Tanaka Ueda Vargas Walsh Yilmaz")
)

// builder makes the objects in the order in which they refer to each other.
type builder struct {
	objects map[string][]demo.Object // by list member
	taught  map[string][]string      // school and grade -> class ids
	people  int
}

func district() map[string]*demo.Collection {
	b := &builder{objects: map[string][]demo.Object{}, taught: map[string][]string{}}
	b.addOrgs()
	b.addSessions()
	b.addCourses()
	b.addUsers()
	collections := map[string]*demo.Collection{}
	for list, objects := range b.objects {
		collections[list] = demo.NewCollection("sourcedId", 0, objects...)
	}
	return collections
}

func (b *builder) add(list, id string, o demo.Object) {
	o["sourcedId"] = id
	o["status"] = "active"
	o["dateLastModified"] = timestamp(opened.Add(time.Duration(len(b.objects[list])) * time.Minute))
	b.objects[list] = append(b.objects[list], o)
}

// ref points to another object. The address has no host, since the API does
// not know under which one the gateway publishes it.
func ref(kind, path, id string) demo.Object {
	return demo.Object{"href": Base + "/" + path + "/" + id, "sourcedId": id, "type": kind}
}

func orgRef(id string) demo.Object { return ref("org", "orgs", id) }

func sessionRef(id string) demo.Object { return ref("academicSession", "academicSessions", id) }

func (b *builder) addOrgs() {
	b.add("orgs", "org-state", demo.Object{"name": "State Department of Education", "type": "state", "identifier": "0000"})
	b.add("orgs", "org-district", demo.Object{
		"name": "Riverbend Unified School District", "type": "district", "identifier": "0100", "parent": orgRef("org-state"),
	})
	for i, s := range schools {
		b.add("orgs", s.id, demo.Object{
			"name": s.name, "type": "school", "identifier": fmt.Sprintf("01%02d", i+1), "parent": orgRef("org-district"),
		})
	}
}

func (b *builder) addSessions() {
	session := func(id, title, kind, from, to, parent string) {
		o := demo.Object{"title": title, "type": kind, "startDate": from, "endDate": to, "schoolYear": "2027"}
		if parent != "" {
			o["parent"] = sessionRef(parent)
		}
		b.add("academicSessions", id, o)
	}
	session("year-2027", "School year 2026-2027", "schoolYear", "2026-08-17", "2027-06-04", "")
	session("term-fall", "Fall 2026", "term", "2026-08-17", "2026-12-18", "year-2027")
	session("term-spring", "Spring 2027", "term", "2027-01-05", "2027-06-04", "year-2027")
	session("gp-1", "Quarter 1", "gradingPeriod", "2026-08-17", "2026-10-16", "term-fall")
	session("gp-2", "Quarter 2", "gradingPeriod", "2026-10-19", "2026-12-18", "term-fall")
	session("gp-3", "Quarter 3", "gradingPeriod", "2027-01-05", "2027-03-19", "term-spring")
	session("gp-4", "Quarter 4", "gradingPeriod", "2027-03-29", "2027-06-04", "term-spring")
}

// addCourses adds every subject in every grade and the electives of the high
// school, and for each of them the classes in the schools that teach it.
func (b *builder) addCourses() {
	for _, grade := range grades {
		for i, subject := range subjects {
			id := b.addCourse(subject, grade, grade)
			for _, s := range schools {
				if strings.Contains(s.grades, grade) && (s.id != "org-school-birch" || i < coreSubjects) {
					b.addClass(s, id, subject, grade)
				}
			}
		}
	}
	high := schools[len(schools)-1]
	for _, subject := range electives {
		b.addClass(high, b.addCourse(subject, "HS", strings.Fields(high.grades)...), subject, strings.Fields(high.grades)...)
	}
}

func (b *builder) addCourse(subject, level string, grades ...string) string {
	id := "course-" + slug(subject) + "-" + strings.ToLower(level)
	b.add("courses", id, demo.Object{
		"title": subject + " " + level, "courseCode": code(subject) + "-" + level, "grades": grades,
		"subjects": []string{subject}, "org": orgRef("org-district"), "schoolYear": sessionRef("year-2027"),
	})
	return id
}

func (b *builder) addClass(s school, course, subject string, grades ...string) {
	name := strings.TrimPrefix(s.id, "org-school-")
	id := strings.Replace(course, "course-", "class-"+name+"-", 1)
	b.add("classes", id, demo.Object{
		"title": subject + ", " + s.name, "classCode": strings.ToUpper(name[:1]) + "-" + strings.TrimPrefix(course, "course-"),
		"classType": "scheduled", "grades": grades, "subjects": []string{subject},
		"course": ref("course", "courses", course), "school": orgRef(s.id),
		"terms": []demo.Object{sessionRef("term-fall"), sessionRef("term-spring")},
	})
	for _, grade := range grades {
		b.taught[s.id+grade] = append(b.taught[s.id+grade], id)
	}
}

func slug(s string) string { return strings.ReplaceAll(strings.ToLower(s), " ", "-") }

func code(subject string) string { return strings.ToUpper(slug(subject)[:3]) }

// addUsers adds an administrator and a principal for each school, the teachers
// with their classes, and the students with theirs.
func (b *builder) addUsers() {
	for i, s := range schools {
		b.addUser(fmt.Sprintf("user-principal-%d", i+1), "principal", s.id, nil)
		b.addUser(fmt.Sprintf("user-admin-%d", i+1), "siteAdministrator", s.id, nil)
	}
	bySchool := map[string][]string{}
	for i := range teacherCount {
		s := schools[i%len(schools)]
		id := fmt.Sprintf("user-teacher-%03d", i+1)
		b.addUser(id, "teacher", s.id, nil)
		bySchool[s.id] = append(bySchool[s.id], id)
	}
	for i, class := range b.objects["classes"] {
		at := class["school"].(demo.Object)["sourcedId"].(string)
		b.enroll(bySchool[at][i%len(bySchool[at])], class["sourcedId"].(string), at, "teacher")
	}
	for i := range studentCount {
		grade := i % len(grades)
		s := schoolOf(grades[grade], i/len(grades))
		id := fmt.Sprintf("user-student-%03d", i+1)
		b.addUser(id, "student", s.id, []string{grades[grade]})
		b.add("demographics", id, demo.Object{
			"birthDate": fmt.Sprintf("%d-%02d-%02d", 2021-grade, 1+i%12, 1+i%28), "sex": "unspecified",
		})
		for _, class := range b.taught[s.id+grades[grade]] {
			b.enroll(id, class, s.id, "student")
		}
	}
}

// schoolOf spreads the pupils of a grade over the schools that have it.
func schoolOf(grade string, n int) school {
	var at []school
	for _, s := range schools {
		if strings.Contains(s.grades, grade) {
			at = append(at, s)
		}
	}
	return at[n%len(at)]
}

func (b *builder) addUser(id, role, school string, grades []string) {
	given := givenNames[b.people%len(givenNames)]
	family := surnames[b.people*7%len(surnames)]
	b.people++
	username := strings.ToLower(fmt.Sprintf("%s.%s.%d", given, family, b.people))
	o := demo.Object{
		"enabledUser": "true", "username": username, "givenName": given, "familyName": family,
		"email": username + "@riverbend.example", "identifier": fmt.Sprintf("RB%05d", b.people),
		"userIds": []demo.Object{{"type": "district", "identifier": fmt.Sprintf("RB%05d", b.people)}},
		"roles":   []demo.Object{{"roleType": "primary", "role": role, "org": orgRef(school), "beginDate": "2026-08-17"}},

		"primaryOrg": orgRef(school), "agents": []demo.Object{},
	}
	if grades != nil {
		o["grades"] = grades
	}
	b.add("users", id, o)
}

func (b *builder) enroll(user, class, school, role string) {
	primary := "false"
	if role == "teacher" {
		primary = "true"
	}
	b.add("enrollments", fmt.Sprintf("enrollment-%05d", len(b.objects["enrollments"])+1), demo.Object{
		"user": ref("user", "users", user), "class": ref("class", "classes", class), "school": orgRef(school),
		"role": role, "primary": primary, "beginDate": "2026-08-17", "endDate": "2027-06-04",
	})
}
