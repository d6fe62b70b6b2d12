// Command control is what the figures of docs/PERFORMANCE.md are ratios to: the
// same jobs in the fewest lines that the standard library allows, without
// storage, limits, logs or metrics.
//
//	POST /hello    reads the body and answers a fixed one
//	POST /opaque   form, SHA-256 check of a secret, 32 random bytes, JSON
//	POST /es256    the same with one JWT signed by ECDSA on P-256; /eddsa with Ed25519
//	GET  /data     a small JSON document, as an API would
//	GET  /proxy    /data through httputil.ReverseProxy with 100 idle connections
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

var (
	secret = sha256.Sum256([]byte("secret"))
	b64    = base64.RawURLEncoding
)

func main() {
	address := os.Args[1]
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	m := http.NewServeMux()
	m.HandleFunc("POST /hello", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"hello":"world"}`))
	})
	m.HandleFunc("GET /data", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"hello":"world"}`))
	})
	m.HandleFunc("POST /opaque", token(func(string, string) string {
		random := make([]byte, 32)
		rand.Read(random)
		return b64.EncodeToString(random)
	}))
	m.HandleFunc("POST /es256", token(jwt("ES256", func(in []byte) []byte {
		digest := sha256.Sum256(in)
		r, s, _ := ecdsa.Sign(rand.Reader, ec, digest[:])
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out
	})))
	m.HandleFunc("POST /eddsa", token(jwt("EdDSA", func(in []byte) []byte { return ed25519.Sign(ed, in) })))
	if len(os.Args) > 2 {
		upstream, err := url.Parse(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		m.Handle("GET /proxy", &httputil.ReverseProxy{
			Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(upstream); p.Out.URL.Path = "/data" },
			Transport: &http.Transport{MaxIdleConnsPerHost: 100},
		})
	}
	log.Fatal(http.ListenAndServe(address, m))
}

type answer struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
}

func token(mint func(client, scope string) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "client_credentials" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		hash := sha256.Sum256([]byte(r.PostForm.Get("client_secret")))
		if subtle.ConstantTimeCompare(hash[:], secret[:]) != 1 {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		client, scope := r.PostForm.Get("client_id"), r.PostForm.Get("scope")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(answer{mint(client, scope), "Bearer", 3600, scope})
	}
}

func jwt(alg string, sign func([]byte) []byte) func(string, string) string {
	header := b64.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"at+jwt","kid":"k1"}`))
	return func(client, scope string) string {
		now := time.Now().Unix()
		id := make([]byte, 16)
		rand.Read(id)
		claims, _ := json.Marshal(map[string]any{
			"iss": "http://127.0.0.1:9000", "sub": client, "aud": "api", "client_id": client,
			"iat": now, "exp": now + 3600, "jti": b64.EncodeToString(id), "scope": scope,
		})
		in := header + "." + b64.EncodeToString(claims)
		return in + "." + b64.EncodeToString(sign([]byte(in)))
	}
}
