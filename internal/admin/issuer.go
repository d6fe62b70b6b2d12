package admin

import "time"

// An OtherIssuer is an issuer that an API trusts besides its environment, until
// clients have moved, and who still comes with its tokens.
type OtherIssuer struct {
	API        string        `json:"api" doc:"The API that trusts it."`
	Issuer     string        `json:"issuer" doc:"What its tokens say as iss."`
	Until      time.Time     `json:"until" doc:"From then on its tokens are refused."`
	Ended      bool          `json:"ended" doc:"Its tokens are refused already."`
	Calls      int64         `json:"calls" doc:"Calls with good tokens of it, by all clients."`
	LastSeenAt time.Time     `json:"last_seen_at,omitzero" doc:"When one of its tokens last came; absent: not yet."`
	Clients    []OtherClient `json:"clients" doc:"Those that came with its tokens, the latest first."`
	More       bool          `json:"more" doc:"There were more clients than are remembered; those seen longest ago are left out."`
}

// An OtherClient is a client of another issuer.
type OtherClient struct {
	Client     string    `json:"client" doc:"Its id at that issuer, percent-encoded where it is no plain text."`
	Calls      int64     `json:"calls" doc:"Its calls with good tokens."`
	LastSeenAt time.Time `json:"last_seen_at" doc:"When the last of them came."`
}

// An IssuerList is the other issuers of an environment.
type IssuerList struct {
	Since   time.Time     `json:"since" doc:"When the server that answers began to count. It counts its own calls: not those of gateways apart, nor of other nodes."`
	Issuers []OtherIssuer `json:"issuers" doc:"In the order of grantway.yaml."`
}

func listIssuers(c *call) (IssuerList, error) {
	if c.api.Issuers == nil {
		return IssuerList{Since: c.api.Now(), Issuers: []OtherIssuer{}}, nil
	}
	return c.api.Issuers(c.clients.Environment.Name), nil
}
