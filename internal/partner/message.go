package partner

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/grantway/grantway/internal/account"
	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/store"
)

// words are what a notice says in one language: {client} and the like stand for what
// they say. A paragraph of which something is unknown is left out.
type words struct{ subject, text string }

var notices = map[string]map[string]words{
	NoticeAsked: {
		"en": {"{publisher}: somebody asks for access", "Somebody asks for access to {environment}.\n\nDecide on it in the console: {console}\n\nThe number of the request: {request}\n"},
		"nl": {"{publisher}: iemand vraagt om toegang", "Iemand vraagt om toegang tot {environment}.\n\nBeslis erover in de console: {console}\n\nHet nummer van de aanvraag: {request}\n"},
	},
	NoticeApproved: {
		"en": {"{publisher}: you have access", "Your application may use {environment} now. Its client id is {client}.\n\nSign in at {portal} and make its secret there. No mail ever holds one.\n\n{reason}\n"},
		"nl": {"{publisher}: u hebt toegang", "Uw toepassing mag nu gebruikmaken van {environment}. De client-id is {client}.\n\nMeld u aan op {portal} en maak daar het geheim. Het staat nooit in een e-mail.\n\n{reason}\n"},
	},
	NoticeRefused: {
		"en": {"{publisher}: no access for now", "What you asked for at {environment} was not granted:\n\n{reason}\n"},
		"nl": {"{publisher}: voorlopig geen toegang", "Wat u voor {environment} hebt aangevraagd is niet toegekend:\n\n{reason}\n"},
	},
	NoticeEnding: {
		"en": {"{publisher}: a secret ends on {date}", "The secret {secret} of the client {client} in {environment} ends on {date}.\n\nSecrets that the client has beside it: {others}.\n\nMake another one before, and put it into your application: {portal}\n\nThe old one works until its end, so that nothing stands still meanwhile.\n"},
		"nl": {"{publisher}: een geheim eindigt op {date}", "Het geheim {secret} van de client {client} in {environment} eindigt op {date}.\n\nGeheimen die de client daarnaast heeft: {others}.\n\nMaak vooraf een ander en zet het in uw toepassing: {portal}\n\nHet oude werkt tot het eindigt, zodat er intussen niets stilstaat.\n"},
	},
	NoticeLeaked: {
		"en": {"{publisher}: a secret was replaced", "The secret {secret} of the client {client} in {environment} was replaced, since others may know it. It and all tokens that it obtained have ended.\n\nPut the new one into your application, and look at what the old one did: {portal}\n"},
		"nl": {"{publisher}: een geheim is vervangen", "Het geheim {secret} van de client {client} in {environment} is vervangen, omdat anderen het misschien kennen. Het geheim en alle tokens die ermee zijn verkregen, zijn beëindigd.\n\nZet het nieuwe in uw toepassing en kijk wat er met het oude is gedaan: {portal}\n"},
	},
	NoticeClient: {
		"en": {"{publisher}: a client was disabled", "The client {client} in {environment} was disabled. It gets no tokens, and those that it had have ended.\n\nMore about it: {portal}\n"},
		"nl": {"{publisher}: een client is uitgeschakeld", "De client {client} in {environment} is uitgeschakeld. De client krijgt geen tokens meer en de tokens die er waren, zijn beëindigd.\n\nMeer hierover: {portal}\n"},
	},
	NoticeDisabled: {
		"en": {"{publisher}: your organisation's access was disabled", "All clients of your organisation were disabled. They get no tokens, and those that they had have ended.\n\nAsk {publisher} why.\n"},
		"nl": {"{publisher}: de toegang van uw organisatie is uitgeschakeld", "Alle clients van uw organisatie zijn uitgeschakeld. Ze krijgen geen tokens meer en de tokens die er waren, zijn beëindigd.\n\nVraag {publisher} naar de reden.\n"},
	},
	NoticeInvited: {
		"en": {"{publisher}: you were invited", "You were made a member of an organisation that uses the API of {publisher}.\n\nSign in at {portal} with this e-mail address.\n"},
		"nl": {"{publisher}: u bent uitgenodigd", "U bent lid gemaakt van een organisatie die de API van {publisher} gebruikt.\n\nMeld u met dit e-mailadres aan op {portal}.\n"},
	},
}

// invited is the mail with which somebody chooses their first password.
var invited = map[string]words{
	"en": {"{publisher}: choose a password", "There is an account for you at {publisher}, under this e-mail address.\n\nTo choose a password, open this address within three days. It works once.\n\n{link}\n\nIf you do not know what this is about, do nothing.\n"},
	"nl": {"{publisher}: kies een wachtwoord", "Bij {publisher} is een account voor u, onder dit e-mailadres.\n\nOpen dit adres binnen drie dagen om een wachtwoord te kiezen. Het werkt één keer.\n\n{link}\n\nWeet u niet waar dit over gaat, doe dan niets.\n"},
}

// confirming is the mail with which a stranger confirms what they ask for. It goes to
// whatever address somebody typed.
var confirming = map[string]words{
	"en": {"{publisher}: confirm your request", "Somebody, probably you, asked for access to {environment} and gave this e-mail address.\n\nIf it was you, open this address within 24 hours and press the button on the page:\n\n{link}\n\nOnly then your request is read. If it was not you, do nothing: it is deleted by itself.\n"},
	"nl": {"{publisher}: bevestig uw aanvraag", "Iemand, waarschijnlijk u, heeft toegang gevraagd tot {environment} en dit e-mailadres opgegeven.\n\nWas u het? Open dan binnen 24 uur dit adres en klik op de knop op de pagina:\n\n{link}\n\nPas dan wordt uw aanvraag gelezen. Was u het niet, doe dan niets: de aanvraag wordt vanzelf verwijderd.\n"},
}

// Compose writes the mail that a notice is, in the language of its reader. It holds
// nothing that a stranger wrote, and links only to the publisher's own pages (row
// R06). A kind that is not known is an error.
func (p *Partners) Compose(n store.Notice) (account.Message, error) {
	of := notices[n.Kind]
	if of == nil {
		return account.Message{}, fmt.Errorf("a notice of the kind %q has no words", n.Kind)
	}
	var what said
	if err := json.Unmarshal([]byte(n.Detail), &what); err != nil {
		return account.Message{}, fmt.Errorf("notice %s: %w", n.ID, err)
	}
	values := map[string]string{
		"environment": p.title(what.Environment), "client": what.Client, "secret": what.Secret, "request": what.Request, "reason": what.Reason,
		"others": "", "portal": p.PortalURL, "console": p.ConsoleURL,
	}
	if !what.EndsAt.IsZero() {
		values["date"], values["others"] = what.EndsAt.UTC().Format("2006-01-02"), fmt.Sprint(what.Others)
	}
	return p.written(of, n.To, what.Language, values), nil
}

// invitation is the mail with a link. It goes to the mailer at once: a link is never
// kept.
func (p *Partners) invitation(a store.Account, link secret.Secret) account.Message {
	return p.written(invited, a.Profile.Email, a.Profile.Locale, map[string]string{"link": link.Reveal()})
}

// title is what people call an environment.
func (p *Partners) title(name string) string {
	if c := p.environment(name); c != nil && c.Environment.Title != "" {
		return c.Environment.Title
	}
	return name
}

// written puts values into the words of the nearest language that there is.
func (p *Partners) written(of map[string]words, to, tag string, values map[string]string) account.Message {
	language := "en"
	if primary, _, _ := strings.Cut(strings.ToLower(tag), "-"); primary == "nl" {
		language = primary
	}
	values["publisher"] = strings.Join(strings.Fields(p.Links.Publisher), " ") // one line, also in the subject
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	fill := strings.NewReplacer(pairs...)
	var paragraphs []string
	for paragraph := range strings.SplitSeq(strings.TrimSuffix(of[language].text, "\n"), "\n\n") {
		whole := true
		for name, value := range values {
			whole = whole && (value != "" || !strings.Contains(paragraph, "{"+name+"}"))
		}
		if whole {
			paragraphs = append(paragraphs, fill.Replace(paragraph))
		}
	}
	return account.Message{
		To: to, Language: language, Subject: fill.Replace(of[language].subject), Text: strings.Join(paragraphs, "\n\n") + "\n",
	}
}
