package account

import (
	"context"
	"fmt"
	"strings"
)

// A Message is a mail to one person, in plain text (row R06). It holds nothing that
// anybody but the publisher wrote: no name of the person, nothing of a request.
type Message struct {
	To       string // an address alone, as [Email] returns it
	Subject  string // one line
	Text     string // lines separated by \n, UTF-8
	Language string // "en" or "nl"
}

// A Mailer takes messages to be sent. It only queues: how long Send takes must not
// depend on whether there is anybody to send to (row P01).
type Mailer interface {
	// Send takes the message. An error says that it will not be sent.
	Send(ctx context.Context, m Message) error
}

// texts are what a message says in one language: subject and text, with the
// publisher's name and the link.
type texts struct{ subject, text string }

var resetTexts = map[string]texts{
	"en": {
		"%[1]s: choose a new password",
		"Somebody asked for a new password for your account at %[1]s.\n\nTo choose one, open this address within 30 minutes. It works once.\n\n%[2]s\n\nIf it was not you, do nothing: your password stays as it is.\n",
	},
	"nl": {
		"%[1]s: kies een nieuw wachtwoord",
		"Iemand heeft om een nieuw wachtwoord gevraagd voor uw account bij %[1]s.\n\nOpen dit adres binnen 30 minuten om er een te kiezen. Het werkt één keer.\n\n%[2]s\n\nWas u dit niet, doe dan niets: uw wachtwoord blijft zoals het is.\n",
	},
}

var verifyTexts = map[string]texts{
	"en": {
		"%[1]s: is this your e-mail address?",
		"This address was given for an account at %[1]s.\n\nTo show that it is yours, open this address within 24 hours. It works once.\n\n%[2]s\n\nIf it was not you, do nothing.\n",
	},
	"nl": {
		"%[1]s: is dit uw e-mailadres?",
		"Dit adres is opgegeven voor een account bij %[1]s.\n\nOpen dit adres binnen 24 uur om te laten zien dat het van u is. Het werkt één keer.\n\n%[2]s\n\nWas u dit niet, doe dan niets.\n",
	},
}

// message writes a message in the language whose tag is the nearest that there is.
func message(of map[string]texts, to, tag, publisher, link string) Message {
	language := "en"
	if primary, _, _ := strings.Cut(strings.ToLower(tag), "-"); primary == "nl" {
		language = primary
	}
	t := of[language]
	publisher = strings.Join(strings.Fields(publisher), " ") // one line, also in the subject
	return Message{
		To: to, Language: language,
		Subject: fmt.Sprintf(t.subject, publisher), Text: fmt.Sprintf(t.text, publisher, link),
	}
}
