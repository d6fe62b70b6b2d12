package admin

import (
	"time"

	"github.com/grantway/grantway/internal/catalogue"
)

// An Environment is an issuer with what it publishes.
type Environment struct {
	Name    string `json:"name" doc:"As in grantway.yaml and in URLs."`
	Title   string `json:"title" doc:"What people call it."`
	Use     string `json:"use" doc:"development or live."`
	Issuer  string `json:"issuer" doc:"The issuer of its tokens."`
	Gateway string `json:"gateway" doc:"The URL at which its APIs answer."`
	Dialect string `json:"dialect" doc:"In whose manner it answers."`
	APIs    []API  `json:"apis" doc:"What clients can be allotted."`
}

// An API is a published API.
type API struct {
	Name          string  `json:"name" doc:"As in grantway.yaml."`
	Title         string  `json:"title" doc:"What people call it."`
	Audience      string  `json:"audience" doc:"The audience of its tokens."`
	TokenLifetime int64   `json:"token_lifetime" doc:"How long its tokens are good, in seconds."`
	Scopes        []Scope `json:"scopes" doc:"The rights at it."`
}

// A Scope is a right at an API.
type Scope struct {
	Name        string   `json:"name" doc:"As tokens carry it."`
	Aliases     []string `json:"aliases" doc:"Other spellings that clients may ask for."`
	Category    string   `json:"category" doc:"The heading under which it is listed."`
	Description string   `json:"description" doc:"What it allows."`
	Since       string   `json:"since" doc:"The version of the API that brought it."`
}

// EnvironmentList is all environments.
type EnvironmentList struct {
	Environments []Environment `json:"environments" doc:"In the order of grantway.yaml."`
}

func listEnvironments(c *call) (EnvironmentList, error) {
	all := EnvironmentList{Environments: []Environment{}}
	for _, clients := range c.api.Environments() {
		e := clients.Environment
		shown := Environment{
			Name: e.Name, Title: e.Title, Use: e.Use, Issuer: e.Issuer.String(), Gateway: e.Base.String(), Dialect: e.Dialect, APIs: []API{},
		}
		for _, a := range e.APIs {
			shown.APIs = append(shown.APIs, published(a))
		}
		all.Environments = append(all.Environments, shown)
	}
	return all, nil
}

func published(a *catalogue.API) API {
	shown := API{
		Name: a.Name, Title: a.Title, Audience: a.Audience, TokenLifetime: int64(a.Token.Lifetime / time.Second), Scopes: []Scope{},
	}
	for _, s := range a.Scopes {
		shown.Scopes = append(shown.Scopes, Scope{
			Name: s.Name, Aliases: list(s.Aliases), Category: s.Category, Description: s.Description, Since: s.Since,
		})
	}
	return shown
}
