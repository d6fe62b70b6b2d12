package account

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/grantway/grantway/internal/store"
)

// A credential is what a factor of kind passkey keeps (store.Factor.Data): the
// public key, and what the authenticator said of itself, as it said it, so that a
// later question can still be answered. The signature counter stands beside it.
type credential struct {
	Key        []byte   `json:"key"`        // COSE
	Flags      byte     `json:"flags"`      // of the registration (Web Authentication §6.1)
	Transports []string `json:"transports"` // "internal", "usb", "hybrid" …
	AAGUID     []byte   `json:"aaguid"`     // the model
	Attachment string   `json:"attachment,omitempty"`
}

func credentialOf(made *webauthn.Credential) credential {
	c := credential{
		Key: made.PublicKey, Flags: byte(made.Flags.ProtocolValue()), AAGUID: made.Authenticator.AAGUID,
		Attachment: string(made.Authenticator.Attachment), Transports: []string{},
	}
	for _, t := range made.Transport {
		c.Transports = append(c.Transports, string(t))
	}
	return c
}

// checkKey returns an error unless a public key is of the kind that its algorithm
// is for (Web Authentication §5.8.5): without an attestation nothing has been
// signed with it yet, and what cannot be verified later must not be registered.
func checkKey(key []byte) error {
	const p256, ed25519 = 1, 6 // curves of COSE (RFC 9053 §7.1)
	parsed, err := webauthncose.ParsePublicKey(key)
	if err != nil {
		return err
	}
	fits := false
	switch k := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		fits = k.Algorithm == int64(webauthncose.AlgES256) && k.Curve == p256
	case webauthncose.OKPPublicKeyData:
		fits = k.Algorithm == int64(webauthncose.AlgEdDSA) && k.Curve == ed25519
	case webauthncose.RSAPublicKeyData:
		fits = k.Algorithm == int64(webauthncose.AlgRS256) && len(k.Modulus) >= 256 && len(k.Modulus) <= 512
	}
	if !fits {
		return errors.New("the key is of another kind than its algorithm")
	}
	return nil
}

func (c *credential) flags() webauthn.CredentialFlags {
	return webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(c.Flags))
}

// parseCredential reads what a passkey's factor keeps; what cannot be read is a
// credential that can do nothing.
func parseCredential(f store.Factor) credential {
	var c credential
	if f.Kind != store.FactorPasskey || json.Unmarshal([]byte(f.Data), &c) != nil {
		return credential{}
	}
	return c
}

func isSynced(f store.Factor) bool { c := parseCredential(f); return c.flags().BackupEligible }

// verifies reports whether a passkey checks who holds it.
func verifies(f store.Factor) bool { c := parseCredential(f); return c.flags().UserVerified }

func readCredential(f store.Factor) (webauthn.Credential, error) {
	id, err := base64.RawURLEncoding.Strict().DecodeString(f.Handle)
	c := parseCredential(f)
	if err != nil || len(c.Key) == 0 {
		return webauthn.Credential{}, fmt.Errorf("read passkey %s: it is not as it was written", f.ID)
	}
	made := webauthn.Credential{
		ID: id, PublicKey: c.Key, Flags: c.flags(),
		Authenticator: webauthn.Authenticator{AAGUID: c.AAGUID, SignCount: uint32(f.Counter), Attachment: protocol.AuthenticatorAttachment(c.Attachment)},
	}
	for _, t := range c.Transports {
		made.Transport = append(made.Transport, protocol.AuthenticatorTransport(t))
	}
	return made, nil
}
