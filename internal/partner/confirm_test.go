package partner

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantway/grantway/internal/store"
)

var theLink = regexp.MustCompile(`https://portal\.example/ask/confirm\?link=(\S+)`)

// linkOf is what the last of so many mails holds.
func (h *house) linkOf(mails int) string {
	h.t.Helper()
	if len(h.mails) != mails {
		h.t.Fatalf("%d mails, want %d", len(h.mails), mails)
	}
	found := theLink.FindStringSubmatch(h.mails[mails-1].Text)
	if found == nil {
		h.t.Fatalf("no link in the mail:\n%s", h.mails[mails-1].Text)
	}
	return found[1]
}

func (h *house) open() int {
	h.t.Helper()
	open, _, err := h.Requests(h.t.Context(), store.AccessQuery{Open: true, Limit: MaxUnknown + 1})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(open)
}

var nobody = store.By{Actor: "stranger"}

// What a stranger asks for is nobody's to see before they confirm it, and is open once
// they did, once.
func TestStrangersConfirm(t *testing.T) {
	h := openHouse(t)
	asking := stranger()
	asking.Application, asking.Language = "Visit https://evil.example now", "nl-BE"
	if err := h.AskUnknown(t.Context(), asking, nobody); err != nil {
		t.Fatal(err)
	}
	link := h.linkOf(1)
	mail := h.mails[0]
	if mail.To != "ada@acme.example" || mail.Language != "nl" || !strings.Contains(mail.Subject, "De Stip: bevestig") {
		t.Errorf("the mail: %+v", mail)
	}
	for _, typed := range []string{"evil", "Acme", "Ada", "reports"} { // row R06
		if strings.Contains(mail.Subject+mail.Text, typed) {
			t.Errorf("the mail holds %q, which a stranger wrote:\n%s", typed, mail.Text)
		}
	}
	if n, err := h.Waiting(t.Context()); n != 1 || err != nil || h.open() != 0 || len(h.told) != 0 {
		t.Fatalf("%d wait, %v; %d are open, the publisher was told %v", n, err, h.open(), h.told)
	}
	for range 2 { // to look does nothing
		if r, err := h.Confirming(t.Context(), link); err != nil || r.Application != asking.Application {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	for _, wrong := range []string{"", link + "x", strings.ToUpper(link)} {
		if _, err := h.Confirm(t.Context(), wrong, nobody); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the link %q: %v", wrong, err)
		}
	}
	r, err := h.Confirm(t.Context(), link, nobody)
	if err != nil || r.Email != "ada@acme.example" || h.open() != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := kindsOf(h.told); len(got) != 1 || got[0] != NoticeAsked {
		t.Error("told of", got)
	}
	if _, err := h.Confirm(t.Context(), link, nobody); !errors.Is(err, store.ErrNotFound) {
		t.Error("the link is good twice:", err)
	}
	if _, err := h.Approve(t.Context(), r.ID, nil, "", olive); err != nil {
		t.Error(err)
	}
}

func TestLinksOfStrangersEnd(t *testing.T) {
	h := openHouse(t)
	if err := h.AskUnknown(t.Context(), stranger(), nobody); err != nil {
		t.Fatal(err)
	}
	link := h.linkOf(1)
	h.now = h.now.Add(ConfirmLife)
	if _, err := h.Confirming(t.Context(), link); !errors.Is(err, store.ErrNotFound) {
		t.Error("seen after a day:", err)
	}
	if _, err := h.Confirm(t.Context(), link, nobody); !errors.Is(err, store.ErrNotFound) {
		t.Error("confirmed after a day:", err)
	}
	if n, err := h.Waiting(t.Context()); n != 0 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
}

// Of one address three wait, and whoever types it learns nothing of that: the same
// answer, and no mail.
func TestThreeOfOneAddress(t *testing.T) {
	h := openHouse(t)
	for i := range MaxOfAddress + 2 {
		a := stranger()
		if i%2 == 1 {
			a.Email = "ADA@acme.example"
		}
		if err := h.AskUnknown(t.Context(), a, nobody); err != nil {
			t.Fatal(err)
		}
	}
	h.linkOf(MaxOfAddress)
	other := stranger()
	other.Email = "bob@acme.example"
	if err := h.AskUnknown(t.Context(), other, nobody); err != nil {
		t.Fatal(err)
	}
	h.linkOf(MaxOfAddress + 1)
	bad := stranger()
	bad.Purpose = ""
	if err := h.AskUnknown(t.Context(), bad, nobody); about(err) != "purpose" {
		t.Error(err)
	}
}

// Too many that nobody confirms shut nobody out: the oldest go.
func TestUnconfirmedShutNobodyOut(t *testing.T) {
	h := openHouse(t)
	for i := range MaxUnconfirmed + 1 {
		a := stranger()
		a.Email = fmt.Sprintf("ada%d@acme.example", i)
		h.now = h.now.Add(time.Second)
		if err := h.AskUnknown(t.Context(), a, nobody); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := h.Waiting(t.Context()); n != MaxUnconfirmed || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	if _, err := h.Confirm(t.Context(), h.linkOf(MaxUnconfirmed+1), nobody); err != nil {
		t.Error("the newest:", err)
	}
	h.mails = h.mails[:1]
	if _, err := h.Confirm(t.Context(), h.linkOf(1), nobody); !errors.Is(err, store.ErrNotFound) {
		t.Error("the oldest:", err)
	}
}

// Where there are no mails, one network holds a few of the open ones and no more; also
// of those that were confirmed.
func TestOneNetworkDoesNotFillTheQueue(t *testing.T) {
	h := openHouse(t)
	h.Links.Mailer = nil
	ask := func(network string) error {
		a := stranger()
		a.Network = network
		return h.AskUnknown(t.Context(), a, nobody)
	}
	for range MaxOfNetwork {
		if err := ask("192.0.2.0/24"); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask("192.0.2.0/24"); !errors.Is(err, store.ErrSpent) {
		t.Error("one more of the network:", err)
	}
	if err := ask("198.51.100.0/24"); err != nil {
		t.Error("another network:", err)
	}
	if len(h.mails) != 0 || h.open() != MaxOfNetwork+1 {
		t.Errorf("%d mails, %d open", len(h.mails), h.open())
	}

	h.Links.Mailer = h
	confirm := func(i int) error {
		a := stranger()
		a.Network, a.Email = "203.0.113.0/24", fmt.Sprintf("bob%d@acme.example", i)
		if err := h.AskUnknown(t.Context(), a, nobody); err != nil {
			t.Fatal(err)
		}
		_, err := h.Confirm(t.Context(), h.linkOf(i+1), nobody)
		return err
	}
	for i := range MaxConfirmed {
		if err := confirm(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := confirm(MaxConfirmed); !errors.Is(err, store.ErrSpent) {
		t.Error("one more of the network is confirmed:", err)
	}
	if n, err := h.Waiting(t.Context()); n != 1 || err != nil {
		t.Errorf("its link is spent: %d wait, %v", n, err)
	}
}
