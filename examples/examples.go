// Package examples is the systems that Grantway was made for, each as a folder
// with a configuration, a small demo API to stand behind the gateway, and a
// README to follow.
//
// It only lists them. The demo APIs are the packages below it, and starting one
// is the work of the command.
package examples

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"

	"github.com/grantway/grantway/examples/fitness"
	"github.com/grantway/grantway/examples/mytimetable"
	"github.com/grantway/grantway/examples/quickstart"
	"github.com/grantway/grantway/examples/studyteam"
	"github.com/grantway/grantway/examples/timeback"
)

//go:embed */grantway.yaml quickstart/openapi.yaml timeback/openapi.yaml
var files embed.FS

// Example is one of the systems.
type Example struct {
	Name   string              // of its folder, such as quickstart
	Title  string              // what it is, in a few words for people
	Config []byte              // its grantway.yaml
	Says   []byte              // the OpenAPI document of its one API; nil: it has none
	API    func() http.Handler // builds its demo API with its data
}

// All gives the examples, the one to begin with first. The result is the
// caller's own.
func All() []Example {
	all := []Example{
		{Name: "quickstart", Title: "Notes, a stream and a WebSocket, for a first look", API: quickstart.API},
		{Name: "timeback", Title: "A learning platform with the OneRoster rostering API", API: timeback.API},
		{Name: "fitness", Title: "A fitness platform with ten scopes in six categories", API: fitness.API},
		{Name: "studyteam", Title: "Clinical trial referrals, with tokens for an audience", API: studyteam.API},
		{Name: "mytimetable", Title: "University timetables, with people who sign in", API: mytimetable.API},
	}
	for i := range all {
		config, err := fs.ReadFile(files, all[i].Name+"/grantway.yaml")
		if err != nil {
			panic("examples: " + err.Error()) // embedded, so found when it was built
		}
		all[i].Config = config
		if all[i].Says, err = fs.ReadFile(files, all[i].Name+"/openapi.yaml"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			panic("examples: " + err.Error())
		}
	}
	return all
}

// Find gives the example of a name, and whether there is one.
func Find(name string) (Example, bool) {
	for _, e := range All() {
		if e.Name == name {
			return e, true
		}
	}
	return Example{}, false
}
