package secret

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// phc gives a text with a salt and a hash of so many bytes.
func phc(start string, salt, sum int) string {
	return start + "$" + encode64(bytes.Repeat([]byte{1}, salt)) + "$" + encode64(bytes.Repeat([]byte{2}, sum))
}

// Each limit at n, where Import takes the hash, and one further, where it names
// the limit. Nothing is hashed here.
func TestImportLimits(t *testing.T) {
	bcrypt := func(cost int) string {
		return fmt.Sprintf("$2b$%02d$mjagM/6aJpBf.3iRidu85.B7Fr/7ddckaczFb4gNa9RoIinkzpS1y", cost)
	}
	argon := func(m, t, p int) string { return phc(fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d", m, t, p), 16, 32) }
	pbkdf2 := func(i int) string { return phc(fmt.Sprintf("$pbkdf2-sha256$%d", i), 16, 32) }
	scrypt := func(ln, r, p int) string { return phc(fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d", ln, r, p), 16, 32) }
	spring := func(packed int) string { return phc(fmt.Sprintf("{scrypt}$%x", packed), 16, 32) }
	django := func(salt int) string {
		return "pbkdf2_sha256$2000$" + strings.Repeat("s", salt) + "$" + encode64(make([]byte, 32))
	}
	wrapped := func(mixed int) string {
		return "wrapped:sha256:" + encode64(make([]byte, mixed)) + ":" + argon(19456, 2, 1)
	}
	for name, row := range map[string]struct{ at, beyond, names string }{
		"bcrypt most":        {bcrypt(14), bcrypt(15), "cost of bcrypt is 15 and must be at most 14"},
		"bcrypt least":       {bcrypt(4), bcrypt(3), "cost of bcrypt is 3 and must be at least 4"},
		"bcrypt zero":        {bcrypt(10), bcrypt(0), "cost of bcrypt is 0"},
		"argon2 memory most": {argon(65536, 2, 1), argon(65537, 2, 1), "m (memory in KiB) of argon2 is 65537 and must be at most 65536"},
		"argon2 memory 1":    {argon(8, 2, 1), argon(7, 2, 1), "must be at least 8"},
		"argon2 memory 4":    {argon(32, 2, 4), argon(31, 2, 4), "must be at least 32"},
		"argon2 passes most": {argon(256, 10, 1), argon(256, 11, 1), "t (passes) of argon2 is 11 and must be at most 10"},
		"argon2 passes 0":    {argon(256, 1, 1), argon(256, 0, 1), "t (passes)"},
		"argon2 lanes most":  {argon(256, 2, 4), argon(256, 2, 5), "p (lanes) of argon2 is 5 and must be at most 4"},
		"argon2 lanes 0":     {argon(256, 2, 1), argon(256, 2, 0), "p (lanes)"},
		"argon2 lanes 256":   {argon(4096, 2, 1), argon(4096, 2, 257), "p (lanes)"},
		"pbkdf2 most":        {pbkdf2(2_000_000), pbkdf2(2_000_001), "iterations of PBKDF2 is 2000001 and must be at most 2000000"},
		"pbkdf2 least":       {pbkdf2(1000), pbkdf2(999), "must be at least 1000"},
		"scrypt N most":      {scrypt(16, 8, 1), scrypt(17, 8, 1), "ln of scrypt is 17 and must be at most 16"},
		"scrypt N least":     {scrypt(10, 8, 1), scrypt(9, 8, 1), "ln of scrypt"},
		"scrypt r most":      {scrypt(14, 8, 1), scrypt(14, 9, 1), "r of scrypt is 9 and must be at most 8"},
		"scrypt r 0":         {scrypt(14, 1, 1), scrypt(14, 0, 1), "r of scrypt"},
		"scrypt p most":      {scrypt(14, 8, 4), scrypt(14, 8, 5), "p of scrypt is 5 and must be at most 4"},
		"scrypt p 0":         {scrypt(14, 8, 1), scrypt(14, 8, 0), "p of scrypt"},
		"Spring scrypt N":    {spring(0x100801), spring(0x110801), "ln of scrypt is 17"},
		"Spring scrypt r":    {spring(0x0e0801), spring(0x0e0901), "r of scrypt is 9"},
		"Spring scrypt p":    {spring(0x0e0804), spring(0x0e0805), "p of scrypt is 5"},
		"salt most":          {phc("$pbkdf2$2000", 64, 20), phc("$pbkdf2$2000", 65, 20), "salt's length in bytes is 65 and must be at most 64"},
		"salt least":         {phc("$pbkdf2$2000", 8, 20), phc("$pbkdf2$2000", 7, 20), "salt's length in bytes is 7"},
		"hash most":          {phc("$pbkdf2$2000", 16, 64), phc("$pbkdf2$2000", 16, 65), "hash's length in bytes is 65 and must be at most 64"},
		"hash least":         {phc("$pbkdf2$2000", 16, 16), phc("$pbkdf2$2000", 16, 15), "hash's length in bytes is 15"},
		"argon2 hash most":   {phc("$argon2i$v=19$m=256,t=1,p=1", 16, 64), phc("$argon2i$v=19$m=256,t=1,p=1", 16, 65), "hash's length"},
		"scrypt salt most":   {phc("$scrypt$ln=10,r=8,p=1", 64, 32), phc("$scrypt$ln=10,r=8,p=1", 65, 32), "salt's length"},
		"Django salt most":   {django(64), django(65), "salt's length"},
		"Django salt least":  {django(8), django(7), "salt's length"},
		"wrapped suffix":     {wrapped(128), wrapped(129), "is 129 and must be at most 128"},
	} {
		v, err := Import(row.at, failing{})
		if err != nil {
			t.Errorf("%s: at the limit: %v", name, err)
		} else if _, err := Parse(v.Encoded()); err != nil {
			t.Errorf("%s: at the limit, read back: %v", name, err)
		}
		if _, err := Import(row.beyond, failing{}); !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), row.names) {
			t.Errorf("%s: beyond the limit: %v", name, err)
		}
	}
}

func TestImportLimitsOfText(t *testing.T) {
	hex := strings.Repeat("ab", 32)
	salted := func(n int) string { return "{SHA-256}{" + strings.Repeat("s", n-2) + "}" + hex }
	for name, row := range map[string]struct{ at, beyond string }{
		"salt in braces": {salted(128), salted(129)},
		"clear secret":   {"{noop}" + strings.Repeat("x", MaxPresented), "{noop}" + strings.Repeat("x", MaxPresented+1)},
	} {
		if _, err := Import(row.at, seeded(1)); err != nil {
			t.Errorf("%s: at the limit: %v", name, err)
		}
		if _, err := Import(row.beyond, seeded(1)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: beyond the limit: %v", name, err)
		}
	}
	// Of 4096 bytes the form is looked at; of one more, not.
	if _, err := Import(strings.Repeat("x", 4096), seeded(1)); !errors.Is(err, ErrForm) {
		t.Errorf("4096 bytes: %v", err)
	}
	if _, err := Import(strings.Repeat("x", 4097), seeded(1)); !errors.Is(err, ErrLimit) {
		t.Errorf("4097 bytes: %v", err)
	}
}

func TestBcryptCountsBytes(t *testing.T) {
	// Python: bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).
	v, err := Import("$2b$04$ljl61GNHzONCedk.ERHo9OWM953QZPwptbLUrhY/OFvHXWllplz6.", seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	x72 := strings.Repeat("x", 72)
	for presented, want := range map[string]bool{
		x72: true, x72[1:]: false, x72 + "beyond what bcrypt looks at": true, x72 + "\x00": false, x72[1:] + "\x00": false,
	} {
		if got := check(t, v, presented); got != want {
			t.Errorf("%d bytes: %v", len(presented), got)
		}
	}
}
