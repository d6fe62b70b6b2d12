package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// SignatureHeader is the header of a Signature.
const SignatureHeader = "Grantway-Signature"

// Signature proves to a webhook that shares the secret who sends a body, and when:
// `t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA-256 (RFC 2104), under the secret, of
// the seconds, a full stop and the body. Whoever takes it refuses what is older than
// five minutes, so that nobody sends it again.
func (s Secret) Signature(at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(s.Reveal()))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
