package secret

import (
	"errors"
	"strings"
	"testing"
)

// The secret behind every hash below. Each hash was made by an implementation
// other than ours, with the salts "sixteen byte sal" and "eightsal" where one
// can be given.
const clear0 = "Grünspan 7 & hazel"

var imports = map[string]struct{ text, algorithm string }{
	// Python: hashlib.sha256(b).digest(), as hex, base64 and URL-safe base64.
	"SHA-256 hex":       {"sha256:ca58cc9a0c467e53339417d8ec869195f0e5cd10a7fdbafc194dba710ffa2d37", "sha256 under argon2id"},
	"SHA-256 HEX":       {"sha256:CA58CC9A0C467E53339417D8EC869195F0E5CD10A7FDBAFC194DBA710FFA2D37", "sha256 under argon2id"},
	"SHA-256 base64":    {"sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn/br8GU26cQ/6LTc=", "sha256 under argon2id"},
	"SHA-256 base64url": {"sha256:yljMmgxGflMzlBfY7IaRlfDlzRCn_br8GU26cQ_6LTc", "sha256 under argon2id"},
	"Spring SHA-256":    {"{SHA-256}ca58cc9a0c467e53339417d8ec869195f0e5cd10a7fdbafc194dba710ffa2d37", "sha256 under argon2id"},
	// Python: hashlib.sha256(b + b"{kiln}").
	"Spring SHA-256 salted": {"{SHA-256}{kiln}5d451e7abd8f0669cf0df92b993f1755c7fb1a1bc3fbafcf1be38868d17715d2", "sha256 under argon2id"},
	"Spring SHA-256 base64": {"{SHA-256}{kiln}XUUeer2PBmnPDfkrmT8XVcf7GhvD+6/PG+OIaNF3FdI=", "sha256 under argon2id"},
	// Python: hashlib.sha256(b + b"{}").
	"Spring SHA-256 empty salt": {"{SHA-256}{}1f5cc408b117b9f963725720a203ab04633ace0d154764dda50ffb3a842ab58b", "sha256 under argon2id"},
	// Python: v = salt + b; 1024 times v = hashlib.sha256(v).digest(); salt + v.
	"Spring StandardPasswordEncoder": {"{sha256}656967687473616c4c81f6c39cb7f8924812863e0836c8532e7bd90145210d4722ffa87511184cb2", "spring-sha256 under argon2id"},
	"Spring noop":                    {"{noop}" + clear0, "argon2id"},
	// Python: bcrypt.hashpw(b, bcrypt.gensalt(4, prefix=…)); $2y$ is $2b$ renamed.
	"bcrypt 2b":     {"$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", "bcrypt"},
	"bcrypt 2a":     {"$2a$04$itrWxd7vQaOWrvDUX9i.E.tXSAv1i59zBor1JAIGbif5tU4XVwBb2", "bcrypt"},
	"bcrypt 2y":     {"$2y$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", "bcrypt"},
	"Spring bcrypt": {"{bcrypt}$2a$04$itrWxd7vQaOWrvDUX9i.E.tXSAv1i59zBor1JAIGbif5tU4XVwBb2", "bcrypt"},
	// Python: argon2.low_level.hash_secret(b, salt, t, m, p, 32, Type.ID or Type.I).
	"argon2id":           {"$argon2id$v=19$m=256,t=2,p=2$c2l4dGVlbiBieXRlIHNhbA$M/RYZLNYTuJBlja2CtfxRbpUxvqz0IQTqKCaccqjQoA", "argon2id"},
	"argon2i":            {"$argon2i$v=19$m=256,t=2,p=2$c2l4dGVlbiBieXRlIHNhbA$ikJnzzLoqWrAFoIIR48U5MC9K1FSNF9e2aZsI3vbrWU", "argon2i"},
	"Spring argon2":      {"{argon2}$argon2id$v=19$m=256,t=2,p=2$c2l4dGVlbiBieXRlIHNhbA$M/RYZLNYTuJBlja2CtfxRbpUxvqz0IQTqKCaccqjQoA", "argon2id"},
	"Spring argon2 v5.8": {"{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=16384,t=2,p=1$c2l4dGVlbiBieXRlIHNhbA$7GyGG+z3IbTMWK1OZ1snESkvJG7gDRG5cmIydg+hnFM", "argon2id"},
	// Python: passlib.hash.pbkdf2_sha256.using(rounds=2000, salt=salt).hash(s), likewise _sha1, _sha512.
	"PBKDF2 SHA-256":       {"$pbkdf2-sha256$2000$c2l4dGVlbiBieXRlIHNhbA$BdmtvBytMz2POR/k.DXZmxnIqaFAeGeuUe0OR/w/mEg", "pbkdf2-sha256"},
	"PBKDF2 SHA-1":         {"$pbkdf2$2000$c2l4dGVlbiBieXRlIHNhbA$eu6XtC/u1/L3NAnffMSdNTNcKfs", "pbkdf2-sha1"},
	"PBKDF2 SHA-512":       {"$pbkdf2-sha512$2000$c2l4dGVlbiBieXRlIHNhbA$uEjPppVmha/7erpxkMFJFHWGjfmhaioU28MtmESQ3Ut4Ja6s1v3q/vrRMUkax4/RX0u3KP56gStImaZciPfMfw", "pbkdf2-sha512"},
	"PBKDF2 named numbers": {"$pbkdf2-sha256$i=2000,l=32$c2l4dGVlbiBieXRlIHNhbA$BdmtvBytMz2POR/k+DXZmxnIqaFAeGeuUe0OR/w/mEg", "pbkdf2-sha256"},
	// Python: django.contrib.auth.hashers.PBKDF2PasswordHasher().encode(s, "hazelnutsalt", 2000), likewise SHA1.
	"Django SHA-256": {"pbkdf2_sha256$2000$hazelnutsalt$g2bM0yrhLeQjLWeyT/zPcZoaHkc27XoYrzDR5OBbPCw=", "pbkdf2-sha256"},
	"Django SHA-1":   {"pbkdf2_sha1$2000$hazelnutsalt$OuUir7zfiAi/zH16dZ4bDjIifDw=", "pbkdf2-sha1"},
	// Python: salt + hashlib.pbkdf2_hmac("sha1", b, salt, 185000, 32) and ("sha256", b, salt, 310000, 32).
	"Spring PBKDF2":      {"{pbkdf2}656967687473616c6ef618b29477d2b9bc25adaac42234989a89b80aaff4a4b6ea0f7936ba210b3f", "pbkdf2-sha1"},
	"Spring PBKDF2 v5.8": {"{pbkdf2@SpringSecurity_v5_8}7369787465656e20627974652073616c97bc2fd41729e7cc14702a73df7f9bcc94a24ee219ee28ce1510cc58325684dc", "pbkdf2-sha256"},
	// Python: passlib.hash.scrypt.using(rounds=10, salt=salt, block_size=8, parallelism=1).hash(s).
	"scrypt": {"$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNhbA$dfhPgA1XhxegCCSuAOSWnpL9IizLK/6gLRXAT5H+kg0", "scrypt"},
	// Python: hashlib.scrypt(b, salt=…, n=2**14 and 2**16, r=8, p=1, dklen=32), the old one with 64 bytes of salt.
	"Spring scrypt":      {"{scrypt}$e0801$c2l4dGVlbiBieXRlIHNhbHNpeHRlZW4gYnl0ZSBzYWxzaXh0ZWVuIGJ5dGUgc2Fsc2l4dGVlbiBieXRlIHNhbA==$dBh0vFdjNmaw0bN669eMecy4+2HtN1g+TLLklpDt+eo=", "scrypt"},
	"Spring scrypt v5.8": {"{scrypt@SpringSecurity_v5_8}$100801$c2l4dGVlbiBieXRlIHNhbA==$Fv19JgjdKQjOeia+avhtGbCsXx7JcifsjKk9Ytfn9/A=", "scrypt"},
	// Python: hash_secret(hashlib.sha256(b).digest(), salt, 2, 19456, 1, 32, Type.ID).
	"our own wrapping": {"wrapped:sha256::$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlIHNhbA$mCBgEegb88bIM7T35C3WMCZICOvP4YwsCBWa1SjX/Ps", "sha256 under argon2id"},
}

func TestImport(t *testing.T) {
	for name, row := range imports {
		t.Run(name, func(t *testing.T) {
			v, err := Import(row.text, seeded(1))
			if err != nil {
				t.Fatal(err)
			}
			if v.Algorithm() != row.algorithm || !v.IsSlow() {
				t.Errorf("kept as %s", v.Algorithm())
			}
			back, err := Parse(v.Encoded())
			if err != nil || !back.Equal(v) {
				t.Fatalf("%s is not read back: %v", v.Encoded(), err)
			}
			if !check(t, back, clear0) {
				t.Error("the secret is refused")
			}
			if check(t, back, clear0+"x") {
				t.Error("another secret is accepted")
			}
			if strings.Contains(row.algorithm, "under") && !strings.HasPrefix(row.text, wrappedPrefix) {
				// The fast hash, in any spelling, is not what is stored.
				for _, fast := range []string{"ca58cc9a", "yljMmgx", "5d451e7a", "XUUeer2", "1f5cc408", "4c81f6c3"} {
					if strings.Contains(strings.ToLower(v.Encoded()), strings.ToLower(fast)) {
						t.Errorf("the fast hash is stored: %s", v.Encoded())
					}
				}
			}
			again, err := Import(v.Encoded(), seeded(1))
			if err != nil || !again.Equal(v) {
				t.Errorf("what is stored is not imported as itself: %v", err)
			}
		})
	}
}

func TestImportRefuses(t *testing.T) {
	const (
		mark = "hunter2secret" // must not be in the error
		salt = "c2l4dGVlbiBieXRlIHNhbA"
		sum  = "M/RYZLNYTuJBlja2CtfxRbpUxvqz0IQTqKCaccqjQoA"
		hex  = "ca58cc9a0c467e53339417d8ec869195f0e5cd10a7fdbafc194dba710ffa2d37"
	)
	for name, row := range map[string]struct {
		text string
		want error
	}{
		"clear":                   {mark, ErrForm},
		"bare hex":                {hex, ErrForm},
		"unknown braces":          {"{MD5}" + mark, ErrForm},
		"braces of another case":  {"{SHA256}" + hex, ErrForm},
		"unknown id":              {"{" + mark + "}" + hex, ErrForm},
		"empty":                   {"", ErrLimit},
		"empty noop":              {"{noop}", ErrLimit},
		"SHA-256 too short":       {"sha256:" + hex[2:], ErrForm},
		"SHA-256 not hex":         {"sha256:" + mark, ErrForm},
		"SHA-256 with line break": {"sha256:yljMmgxGflMzlBfY7IaR\nlfDlzRCn_br8GU26cQ_6LTc", ErrForm},
		"salt without brace":      {"{SHA-256}{" + mark + hex, ErrForm},
		"standard too short":      {"{sha256}" + hex, ErrForm},
		"pbkdf2 too short":        {"{pbkdf2}" + hex, ErrForm},
		"pbkdf2 of the other age": {"{pbkdf2@SpringSecurity_v5_8}656967687473616c" + hex, ErrForm},
		"bcrypt names argon2":     {"{bcrypt}$argon2id$v=19$m=256,t=2,p=2$" + salt + "$" + sum, ErrForm},
		"argon2 names bcrypt":     {"{argon2}$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", ErrForm},
		"bcrypt nests":            {"{bcrypt}{bcrypt}$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", ErrForm},
		"bcrypt 2x":               {"$2x$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", ErrForm},
		"bcrypt too short":        {"$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1", ErrForm},
		"bcrypt too long":         {"$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1yy", ErrForm},
		"bcrypt other alphabet":   {"$2b$04$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzp+1y", ErrForm},
		"bcrypt cost not decimal": {"$2b$+4$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", ErrForm},
		"argon2d":                 {"$argon2d$v=19$m=256,t=2,p=2$" + salt + "$" + sum, ErrForm},
		"argon2 old version":      {"$argon2id$v=16$m=256,t=2,p=2$" + salt + "$" + sum, ErrForm},
		"argon2 no version":       {"$argon2id$m=256,t=2,p=2$" + salt + "$" + sum, ErrForm},
		"argon2 keyed":            {"$argon2id$v=19$m=256,t=2,p=2,keyid=AA$" + salt + "$" + sum, ErrForm},
		"argon2 order":            {"$argon2id$v=19$t=2,m=256,p=2$" + salt + "$" + sum, ErrForm},
		"argon2 no hash":          {"$argon2id$v=19$m=256,t=2,p=2$" + salt, ErrForm},
		"argon2 huge number":      {"$argon2id$v=19$m=99999999999999999999,t=2,p=2$" + salt + "$" + sum, ErrForm},
		"argon2 sign":             {"$argon2id$v=19$m=-256,t=2,p=2$" + salt + "$" + sum, ErrForm},
		"pbkdf2 unknown digest":   {"$pbkdf2-md5$2000$" + salt + "$" + sum, ErrForm},
		"pbkdf2 wrong length":     {"$pbkdf2-sha256$i=2000,l=31$" + salt + "$" + sum, ErrForm},
		"pbkdf2 no iterations":    {"$pbkdf2-sha256$$" + salt + "$" + sum, ErrForm},
		"Django no hash":          {"pbkdf2_sha256$2000$hazelnutsalt", ErrForm},
		"Django not decimal":      {"pbkdf2_sha256$2e3$hazelnutsalt$" + sum, ErrForm},
		"scrypt not hex":          {"{scrypt}$x0801$" + salt + "$" + sum, ErrForm},
		"scrypt too few":          {"{scrypt}$e0801$" + salt, ErrForm},
		"scrypt huge number":      {"{scrypt}$100000000e0801$" + salt + "$" + sum, ErrForm},
		"scrypt text before":      {"{scrypt}x$e0801$" + salt + "$" + sum, ErrForm},
		"wrapped in two":          {"wrapped:sha256:", ErrForm},
		"not base64":              {"$scrypt$ln=10,r=8,p=1$" + mark + "!$" + sum, ErrForm},
	} {
		v, err := Import(row.text, seeded(1))
		if !errors.Is(err, row.want) || !v.IsZero() {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(err.Error(), mark) || strings.Contains(err.Error(), hex[:8]) {
			t.Errorf("%s: the error quotes the text: %v", name, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has several lines: %v", name, err)
		}
	}
	_, err := Import("{MD5}x", seeded(1))
	for _, understood := range []string{"sha256:", "{SHA-256}", "{noop}", "$2a$", "$argon2id$", "$pbkdf2-", "pbkdf2_sha256$", "{scrypt}"} {
		if !strings.Contains(err.Error(), understood) {
			t.Errorf("the error does not say that %s is understood: %v", understood, err)
		}
	}
	if _, err := Import("sha256:"+hex, failing{}); !errors.Is(err, errNoRandomness) {
		t.Errorf("a fast hash without randomness: %v", err)
	}
}
