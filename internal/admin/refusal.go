package admin

import "github.com/grantway/grantway/internal/refusal"

// A Refusal is a reason to refuse a request for a token or a call to an API.
type Refusal struct {
	ID      string `json:"id" doc:"Stable; logs and metrics name it."`
	Code    string `json:"code" doc:"The OAuth error code."`
	Status  int    `json:"status" doc:"The status of the answer, where the dialect has no other."`
	Text    string `json:"text" doc:"What the client reads."`
	Cause   string `json:"cause" doc:"How one gets here."`
	Cure    string `json:"cure" doc:"What to do."`
	ShownAs string `json:"shown_as,omitempty" doc:"The id of the reason that the client is told instead."`
}

// RefusalList is the whole table.
type RefusalList struct {
	Refusals []Refusal `json:"refusals" doc:"Every reason."`
}

func listRefusals(*call) (RefusalList, error) {
	all := RefusalList{Refusals: []Refusal{}}
	for _, r := range refusal.All() {
		all.Refusals = append(all.Refusals, shownRefusal(r))
	}
	return all, nil
}

func shownRefusal(r *refusal.Reason) Refusal {
	shown := Refusal{ID: r.ID, Code: string(r.Code), Status: r.HTTPStatus(), Text: r.Text, Cause: r.Cause, Cure: r.Cure}
	if r.Shown != nil {
		shown.ShownAs = r.Shown.ID
	}
	return shown
}
