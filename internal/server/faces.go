package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/grantway/grantway/internal/activity"
	"github.com/grantway/grantway/internal/refusal"
	"github.com/grantway/grantway/internal/web"
)

// faces are the pages of the authorization endpoint, in the look and the languages
// of those behind it.
type faces struct {
	pages     *web.Pages
	languages *web.Languages
	now       func() time.Time
}

// Refuse implements endpoint.Pages.
func (f *faces) Refuse(w http.ResponseWriter, r *http.Request, refused *refusal.Refusal) {
	shown := refused.Public()
	failure := web.Failure{
		Reason: web.FailedRequest, Detail: refused.Describe() + ". " + shown.Cause + " " + shown.Cure,
		Code: string(shown.Code), Trace: activity.Of(r.Context()).Trace,
	}
	with := web.Showing{Language: f.languages.Choose(r), Now: f.now()}
	switch {
	case errors.Is(refused, refusal.RequestEnded):
		failure.Reason = web.FailedExpired
	case errors.Is(refused, refusal.CookieTwice):
		failure.Reason = web.FailedCookies
	case refused.HTTPStatus() >= http.StatusInternalServerError:
		failure.Reason, with.Wait = web.FailedServer, time.Second
	}
	f.pages.Show(w, r, refused.HTTPStatus(), with, failure)
}

// Post implements endpoint.Pages.
func (f *faces) Post(w http.ResponseWriter, r *http.Request, to, application string, members [][2]string) {
	form := web.FormPost{Action: to, Application: application}
	for _, m := range members {
		form.Fields = append(form.Fields, web.Field{Name: m[0], Value: m[1]})
	}
	f.pages.Show(w, r, http.StatusOK, web.Showing{Language: f.languages.Choose(r), Now: f.now(), To: to}, form)
}
