package admin

import "slices"

// The paths of things.
const (
	here = Prefix + "/environments/{environment}"

	clients   = here + "/clients"
	oneClient = clients + "/{client}"
	secrets   = oneClient + "/secrets"
	denials   = here + "/denials"
	keysPath  = here + "/keys"

	accounts   = here + "/accounts"
	oneAccount = accounts + "/{account}"
	apiTokens  = here + "/api-tokens"
	apiToken   = apiTokens + "/{token}"

	// Home's own.
	partners    = Prefix + "/partners"
	onePartner  = partners + "/{partner}"
	members     = onePartner + "/members"
	requests    = Prefix + "/access-requests"
	oneRequest  = requests + "/{request}"
	operators   = Prefix + "/operators"
	oneOperator = operators + "/{account}"
)

// table is every route.
func table() []route {
	return slices.Concat(ofDeployment(), ofClients(), ofKeys(), ofPeople(), ofPartners(), ofOperators(), ofAudit())
}

func ofDeployment() []route {
	return []route{
		{"GET", Prefix + "/environments", readAny, "listEnvironments", "The environments with their APIs and scopes", 200, nil, plain(listEnvironments)},
		{"GET", Prefix + "/refusals", readAny, "listRefusals", "Every reason to refuse a request: cause and cure", 200, nil, plain(listRefusals)},
		{"GET", Prefix + "/openapi.json", readAny, "describe", "This description", 200, nil, plain(describe)},

		{"GET", here + "/activity", ReadClients, "listActivity", "What happened, added up by the hour or the day", 200, []string{"limit", "after", "since", "until", "step", "by", "client", "api"}, plain(listActivity)},
		{"GET", here + "/refusals", ReadClients, "listRefused", "The requests that were refused last, or those of a trace id: why, and what to do", 200, []string{"limit", "trace", "client"}, plain(listRefused)},
		{"GET", here + "/issuers", ReadClients, "listIssuers", "The other issuers that APIs trust for a time, and who comes with their tokens", 200, nil, plain(listIssuers)},
		{"GET", here + "/changes", ReadChanges, "listChanges", "Who changed what, and when: the newest first", 200, []string{"limit", "after", "before", "about", "kind", "actor"}, plain(listChanges)},
	}
}

func ofClients() []route {
	const read, write = ReadClients, WriteClients
	return []route{
		{"GET", clients, read, "listClients", "The clients, in the order of their ids, or those of a partner", 200, []string{"limit", "after", "partner"}, plain(listClients)},
		{"POST", clients, write, "createClient", "Register a client with one secret; the answer is the only one that holds it", 201, nil, reading(createClient)},
		{"GET", oneClient, read, "getClient", "One client", 200, nil, plain(getClient)},
		{"PATCH", oneClient, write, "changeClient", "Change what it is named and may do; what was given by what is taken away ends", 200, nil, reading(changeClient)},
		{"DELETE", oneClient, write, "deleteClient", "Delete the client and its secrets, end its tokens, and never use its id again", 200, nil, plain(deleteClient)},
		{"POST", oneClient + "/disable", write, "disableClient", "Make the client unusable and end its tokens", 200, nil, plain(disableClient)},
		{"POST", oneClient + "/enable", write, "enableClient", "Make a disabled client usable; tokens that ended stay ended", 200, nil, plain(enableClient)},
		{"POST", oneClient + "/leaked", write, "leakedClient", "Replace a secret that others may know: the old one and all its tokens end, in one step", 200, nil, reading(leakedClient)},
		{"POST", oneClient + "/promote", WritePartners, "promoteClient", "Register the client in another environment, under its id and without a secret; what is so already stays", 200, nil, reading(promoteClient)},
		{"GET", oneClient + "/scopes", read, "listScopeUses", "The scopes that the client was allotted, and when it last needed each", 200, nil, plain(listScopeUses)},

		{"GET", secrets, read, "listSecrets", "The client's secrets, without their texts", 200, nil, plain(listSecrets)},
		{"POST", secrets, write, "addSecret", "Add a secret beside the others; the answer is the only one that holds it", 201, nil, reading(addSecret)},
		{"DELETE", secrets + "/{secret}", write, "revokeSecret", "Revoke a secret and end the tokens that it obtained", 200, nil, plain(revokeSecret)},

		{"GET", here + "/export", read, "exportClients", "The clients that were registered, one a line, without secrets", 200, nil, plain(exportClients)},
		{"POST", here + "/import", write, "importClients", "Make clients what an export says of them; they get no secret", 200, nil, reading(importClients)},
		{"GET", here + "/differences", read, "listDifferences", "In what the clients differ from those of another environment", 200, []string{"from"}, plain(listDifferences)},

		{"GET", denials, read, "listDenials", "The denials that are in force and not in the store yet", 200, nil, plain(listDenials)},
		{"POST", denials, write, "deny", "End tokens at once, also while the store does not answer; the answer is signed for other nodes", 200, nil, reading(deny)},
		{"POST", denials + "/signed", write, "acceptDenial", "Do what another node has signed", 200, nil, reading(acceptDenial)},
	}
}

func ofKeys() []route {
	return []route{
		{"GET", keysPath, ReadKeys, "listKeys", "The keys that sign for the environment, the oldest first", 200, []string{"purpose"}, plain(listKeys)},
		{"POST", keysPath + "/rotate", WriteKeys, "rotateKeys", "Let the next key sign, and publish the one of before until its last token has expired", 200, []string{"purpose"}, reading(rotateKeys)},
		{"DELETE", keysPath + "/{key}", WriteKeys, "removeKey", "Remove a key that somebody else may have: its tokens end at once", 200, []string{"purpose"}, plain(removeKey)},
		{"POST", keysPath + "/{key}/deny", WriteKeys, "denyKey", "Do the same while the store does not answer", 200, nil, plain(denyKey)},
	}
}

func ofPeople() []route {
	return []route{
		{"GET", accounts, ReadAccounts, "listAccounts", "People's accounts, in the order of their ids, or the one of a name or verified e-mail address", 200, []string{"limit", "after", "name"}, plain(listAccounts)},
		{"POST", accounts, WriteAccounts, "createAccount", "Create an account, with a password or a link to choose one", 201, nil, reading(createAccount)},
		{"POST", accounts + "/import", WriteAccounts, "importAccounts", "Create accounts as another product exported them; what is named already stays as it is", 200, nil, reading(importAccounts)},
		{"GET", oneAccount, ReadAccounts, "getAccount", "One account, and with what its person signs in", 200, nil, plain(getAccount)},
		{"GET", oneAccount + "/export", ReadAccounts, "exportAccount", "Everything that is known of a person, without secrets", 200, nil, plain(exportAccount)},
		{"PATCH", oneAccount, WriteAccounts, "changeAccount", "Change names, e-mail address, language and roles", 200, nil, reading(changeAccount)},
		{"DELETE", oneAccount, WriteAccounts, "deleteAccount", "Erase a person, end all sessions and tokens, and never use the id again", 200, nil, plain(deleteAccount)},
		{"POST", oneAccount + "/disable", WriteAccounts, "disableAccount", "Keep a person out, and end all sessions, grants and tokens", 200, nil, plain(disableAccount)},
		{"POST", oneAccount + "/enable", WriteAccounts, "enableAccount", "Let a person sign in again; what ended stays ended", 200, nil, plain(enableAccount)},
		{"POST", oneAccount + "/reset", WriteAccounts, "resetAccount", "Make a link with which the person chooses a new password", 200, nil, reading(resetAccount)},

		{"GET", apiTokens, ReadAPITokens, "listAPITokens", "The API tokens, in the order of their ids, revoked ones too", 200, []string{"limit", "after"}, plain(listAPITokens)},
		{"POST", apiTokens, WriteAPITokens, "createAPIToken", "Create an API token; the answer is the only one that holds it. An elevated one is made in the console, or on the server's own machine, and approved in the console", 201, nil, reading(createAPIToken)},
		{"GET", apiToken, ReadAPITokens, "getAPIToken", "One API token", 200, nil, plain(getAPIToken)},
		{"DELETE", apiToken, WriteAPITokens, "revokeAPIToken", "End an API token", 200, nil, plain(revokeAPIToken)},
	}
}

func ofPartners() []route {
	const read, write = ReadPartners, WritePartners
	return []route{
		{"GET", partners, read, "listPartners", "The partners, in the order of their ids, or those of a member", 200, []string{"limit", "after", "member"}, plain(listPartners)},
		{"POST", partners, write, "createPartner", "Make a partner: an organisation that owns clients", 201, nil, reading(createPartner)},
		{"GET", onePartner, read, "getPartner", "One partner with its members", 200, nil, plain(getPartner)},
		{"PATCH", onePartner, write, "changePartner", "Change what is known of it", 200, nil, reading(changePartner)},
		{"DELETE", onePartner, write, "deletePartner", "Delete the partner with its clients in every environment, for ever", 200, nil, plain(deletePartner)},
		{"POST", onePartner + "/disable", write, "disablePartner", "Keep its people out, and disable its clients in every environment", 200, nil, plain(disablePartner)},
		{"POST", onePartner + "/enable", write, "enablePartner", "Let its people in again, and enable the clients that were disabled with it", 200, nil, plain(enablePartner)},
		{"GET", onePartner + "/clients", read, "listPartnerClients", "Its clients in every environment", 200, nil, plain(listPartnerClients)},
		{"GET", members, read, "listMembers", "Its people", 200, nil, plain(listMembers)},
		{"POST", members, write, "inviteMember", "Make somebody a member, with an account where they have none", 201, nil, reading(inviteMember)},
		{"PATCH", members + "/{account}", write, "changeMember", "Change what a member may do", 200, nil, reading(changeMember)},
		{"DELETE", members + "/{account}", write, "removeMember", "Take somebody away from a partner", 200, nil, plain(removeMember)},

		{"GET", requests, read, "listRequests", "Requests for access, the newest first", 200, []string{"limit", "after", "partner", "open"}, plain(listRequests)},
		{"POST", requests, write, "askAccess", "Ask for a client on behalf of somebody", 201, nil, reading(askAccess)},
		{"GET", oneRequest, read, "getRequest", "One request", 200, nil, plain(getRequest)},
		{"POST", oneRequest + "/approve", write, "approveRequest", "Grant it, or a part of what was wanted: partner, account and client are made", 200, nil, reading(approveRequest)},
		{"POST", oneRequest + "/refuse", write, "refuseRequest", "Refuse it, with a reason that people read", 200, nil, reading(refuseRequest)},
		{"POST", oneRequest + "/withdraw", write, "withdrawRequest", "Take it back, for whoever asked", 200, nil, plain(withdrawRequest)},
	}
}

func ofOperators() []route {
	return []route{
		{"GET", operators, ReadOperators, "listOperators", "Who operates the deployment", 200, nil, plain(listOperators)},
		{"POST", operators, WriteOperators, "inviteOperator", "Make somebody an operator, with an account of home where they have none", 201, nil, reading(inviteOperator)},
		{"GET", oneOperator, ReadOperators, "getOperator", "One operator", 200, nil, plain(getOperator)},
		{"PATCH", oneOperator, WriteOperators, "changeOperator", "Change the roles of an operator; the last owner stays one", 200, nil, reading(changeOperator)},
	}
}
