package console

import (
	"errors"
	"net/http"
	"slices"

	"github.com/grantway/grantway/internal/jose"
	"github.com/grantway/grantway/internal/keys"
	"github.com/grantway/grantway/internal/store"
	"github.com/grantway/grantway/internal/web"
)

// purposes are what keys are for, in words.
var purposes = map[string]string{
	keys.AccessToken: "Access tokens", keys.ID: "ID tokens", keys.Feed: "The feed of revocations",
}

// keys lists the signing keys of an environment.
func (v *visit) keys() error {
	e, err := v.environment()
	if err != nil {
		return err
	}
	page := &web.ConsolePage{
		ConsoleFrame: web.ConsoleFrame{Title: "Keys", Lead: "What signs, what signs next, and what is published until its last token has expired.", Said: v.said()},
		Choices:      []web.ConsoleChoice{v.environments(e, "/keys", nil)},
	}
	for _, ring := range e.Keys {
		all, err := ring.List(v.r.Context())
		if err != nil {
			return err
		}
		section := web.ConsoleSection{Name: ring.Purpose, Heading: purposes[ring.Purpose]}
		section.Table = &web.ConsoleTable{Caption: purposes[ring.Purpose], Columns: columns("Key id", "Algorithm", "State", "Published", "Signs since", "Retired", "Goes, or may sign from")}
		if v.may("keys:write") {
			section.Table.Columns = append(section.Table.Columns, columns("Remove")...)
		}
		slices.Reverse(all)
		gone := 0
		for i := range all {
			if all[i].State() == store.KeyGone {
				if gone++; gone > 5 {
					continue
				}
			}
			section.Table.Rows = append(section.Table.Rows, v.keyRow(e, ring.Purpose, &all[i]))
		}
		if v.may("keys:write") {
			section.Actions = []web.ConsoleLink{{Text: "Let the next key sign", To: to("/key/rotate", "environment", e.Name, "purpose", ring.Purpose), Sharp: true}}
		}
		page.Sections = append(page.Sections, section)
	}
	v.show(http.StatusOK, page)
	return nil
}

func (v *visit) keyRow(e *Environment, purpose string, k *keys.Key) []web.ConsoleCell {
	is := text(k.State())
	turn := text("")
	switch k.State() {
	case store.KeyActive:
		is = good("active")
	case store.KeyStandby:
		turn = when(k.Ready)
	case store.KeyRetired:
		turn = when(k.Until)
	case store.KeyGone:
		turn = when(k.RemovedAt)
	}
	row := []web.ConsoleCell{code(k.ID), code(k.Algorithm), is, when(k.CreatedAt), when(k.ActivatedAt), when(k.RetiredAt), turn}
	if v.may("keys:write") {
		remove := text("")
		if k.State() != store.KeyGone {
			remove = link("It leaked", to("/key/remove", "environment", e.Name, "purpose", purpose, "id", k.ID))
		}
		row = append(row, remove)
	}
	return row
}

// ring is the keys that are asked for.
func (v *visit) ring() (*Environment, Ring, error) {
	e, err := v.environment()
	if err != nil {
		return nil, Ring{}, err
	}
	i := slices.IndexFunc(e.Keys, func(r Ring) bool { return r.Purpose == v.field("purpose") })
	if i < 0 {
		return nil, Ring{}, store.ErrNotFound
	}
	return e, e.Keys[i], nil
}

func keyForm(e *Environment, ring Ring, title, button string) *web.ConsoleForm {
	return &web.ConsoleForm{
		ConsoleFrame: web.ConsoleFrame{Title: title, Lead: purposes[ring.Purpose] + " of " + e.Title + ".", Trail: []web.ConsoleLink{{Text: "Keys of " + e.Title, To: to("/keys", "environment", e.Name)}}},
		Hidden:       [][2]string{{"environment", e.Name}, {"purpose", ring.Purpose}}, Button: button, Sharp: true, Back: to("/keys", "environment", e.Name),
	}
}

var rotateKey = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, ring, err := v.ring()
		if err != nil {
			return nil, err
		}
		all, err := ring.List(v.r.Context())
		if err != nil {
			return nil, err
		}
		form := keyForm(e, ring, "Let the next key sign", "Rotate the key")
		form.Text = []string{"The standby signs, another one is published, and the one of before stays published until its last token has expired. No token ends."}
		which := web.ConsoleField{Name: "algorithm", Label: "Algorithm", Kind: "select"}
		for _, k := range all {
			if k.State() == store.KeyStandby {
				which.Options = append(which.Options, web.ConsoleOption{Value: k.Algorithm, Text: k.Algorithm, On: v.field("algorithm") == k.Algorithm})
			}
		}
		form.Fields = []web.ConsoleField{which, {
			Name: "emergency", Kind: "checks", Label: "Haste", Options: []web.ConsoleOption{{
				Value: "1", Text: "Do not wait until every verifier knows the next key", Hint: "Those that do not ask for keys that they miss refuse tokens for some minutes.", On: v.has("emergency", "1"),
			}},
		}}
		return form, nil
	},
	do: func(v *visit) error {
		e, ring, err := v.ring()
		if err != nil {
			return err
		}
		err = ring.Rotate(v.r.Context(), jose.Algorithm(v.field("algorithm")), v.has("emergency", "1"), v.by())
		if errors.Is(err, keys.ErrAlgorithm) {
			err = store.ErrNotFound
		}
		if err := unread(err); err != nil {
			return err
		}
		return v.done("key-rotated", "/keys", "environment", e.Name)
	},
}

var removeKey = asking{
	show: func(v *visit) (*web.ConsoleForm, error) {
		e, ring, k, err := v.key()
		if err != nil {
			return nil, err
		}
		form := keyForm(e, ring, "Remove a key that leaked", "Remove the key")
		form.Hidden = append(form.Hidden, [2]string{"id", k.ID})
		form.Text = []string{"Whoever has the private key can make tokens. Removed, it is believed nowhere; the next key signs at once."}
		form.Goes = []string{"the key " + k.ID, "every token that it signed, within a second at us and within minutes at others"}
		form.Fields = []web.ConsoleField{confirm(k.ID)}
		return form, nil
	},
	do: func(v *visit) error {
		e, ring, k, err := v.key()
		if err == nil {
			err = v.confirmed(k.ID)
		}
		if err == nil {
			err = unread(ring.Remove(v.r.Context(), k.ID, v.by()))
		}
		if err != nil {
			return err
		}
		return v.done("key-removed", "/keys", "environment", e.Name)
	},
}

// key is the one that is asked for.
func (v *visit) key() (*Environment, Ring, keys.Key, error) {
	e, ring, err := v.ring()
	if err != nil {
		return nil, ring, keys.Key{}, err
	}
	all, err := ring.List(v.r.Context())
	if err != nil {
		return nil, ring, keys.Key{}, err
	}
	i := slices.IndexFunc(all, func(k keys.Key) bool { return k.ID == v.field("id") && k.State() != store.KeyGone })
	if i < 0 {
		return nil, ring, keys.Key{}, store.ErrNotFound
	}
	return e, ring, all[i], nil
}

// unread: what was done and not yet read is done.
func unread(err error) error {
	if errors.Is(err, keys.ErrUnread) && !errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
