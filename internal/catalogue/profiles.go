package catalogue

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/grantway/grantway/internal/secret"
	"github.com/grantway/grantway/internal/wire"
)

// ProfilesFile is profiles.yaml, the file of those who call APIs: as whom and
// where the command line asks for tokens. It is read as strictly as File is.
type ProfilesFile struct {
	// The profile that is meant where none is named. With one profile, it is that.
	Default string `yaml:"default"`
	// The profiles, by name.
	Profiles Named[ProfileEntry] `yaml:"profiles,required"`
}

// ProfileEntry is one profile as written. docs/CLIENT.md explains its keys.
type ProfileEntry struct {
	Issuer           string        `yaml:"issuer"`
	TokenURL         string        `yaml:"token_url"`
	AuthorizationURL string        `yaml:"authorization_url"`
	ClientID         string        `yaml:"client_id,required"`
	Secret           Variable      `yaml:"secret"`
	SecretFile       string        `yaml:"secret_file"`
	Auth             string        `yaml:"auth" oneof:"basic basic_raw body json none"`
	Grant            string        `yaml:"grant" oneof:"client_credentials authorization_code"`
	Scopes           List          `yaml:"scopes"`
	Audience         string        `yaml:"audience"`
	Resources        List          `yaml:"resources"`
	Params           Named[string] `yaml:"params"`
	SignInParams     Named[string] `yaml:"sign_in_params"`
	RedirectURI      string        `yaml:"redirect_uri" default:"http://127.0.0.1/callback"`
	APIs             List          `yaml:"apis"`
}

// Variable is the name of an environment variable, written ${NAME}, that is read
// when it is needed.
type Variable string

func (v *Variable) decode(d *decoder, n ast.Node, path string) {
	text := ""
	if _, ok := n.(*ast.StringNode); ok {
		text = scalar(n)
	}
	m := variable.FindStringSubmatch(text)
	if m == nil || m[0] != text {
		// What stands there may be a secret: the message does not repeat it.
		d.faultAt(n, path, "a secret does not stand in the file", "write ${NAME} and set that environment variable, or name a file under secret_file")
		return
	}
	*v = Variable(m[1])
}

// Profiles is a checked profiles.yaml. It is immutable and safe for concurrent use.
type Profiles struct {
	places
	preset string
	list   []Profile
}

// A Profile says as whom and where tokens are asked for, and which APIs may see
// them.
type Profile struct {
	Name             string // empty: it does not come from a file
	Issuer           string
	TokenURL         string // instead of what the issuer's metadata says; may be empty
	AuthorizationURL string // likewise
	ClientID         string
	Variable         string        // that holds the secret; empty: none does
	Secret           secret.Secret // what it held when the profile was chosen
	SecretFile       string        // which holds the secret instead; empty: none does
	Auth             string        // how the client says who it is; empty: as is usual
	People           bool          // a person signs in (authorization_code); else the client asks for itself
	Scopes           []string
	Audience         string
	Resources        []string
	Params           url.Values // further parameters of the token request
	SignInParams     url.Values // and of the request that a person takes along
	RedirectURI      string     // where that person comes back: on this machine
	APIs             []string   // origins that may see the token, as APIOrigin writes them
}

// LoadProfiles reads a profiles.yaml. What is wrong with its content is returned
// as Faults, all at once; other errors are those of reading it. A secret_file is
// found from the file's own folder.
func LoadProfiles(path string) (*Profiles, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	d := &decoder{places: places{file: path, at: map[string]place{"": {1, 1}}}}
	body := d.document(data)
	if len(d.faults) > 0 {
		return nil, d.faults
	}
	var file ProfilesFile
	d.structure(body, reflect.ValueOf(&file).Elem(), "")
	r := resolver{decoder: d}
	found := &Profiles{preset: file.Default}
	for _, e := range file.Profiles {
		at := join("profiles", e.Key)
		r.name(at, e.Key)
		p := r.profile(at, &e.Value)
		p.Name = e.Key
		if p.SecretFile != "" && !filepath.IsAbs(p.SecretFile) {
			p.SecretFile = filepath.Join(filepath.Dir(path), p.SecretFile)
		}
		found.list = append(found.list, p)
	}
	if names := found.Names(); file.Default != "" && !slices.Contains(names, file.Default) {
		r.report("default", quote(file.Default)+" is not a profile", didYouMean(file.Default, names))
	}
	if len(d.faults) > 0 {
		return nil, d.faults.sorted()
	}
	found.places = d.places
	return found, nil
}

// CheckProfile checks a profile that was not read from a file. Its error is of
// type Faults, whose paths are the keys that a file has; they have no lines.
func CheckProfile(e ProfileEntry, env func(string) (string, bool)) (*Profile, error) {
	d := &decoder{places: places{at: map[string]place{}}}
	if e.ClientID == "" {
		d.faults = append(d.faults, d.fault("client_id", "is missing", ""))
	}
	for _, f := range fieldsOf(reflect.TypeFor[ProfileEntry]()) {
		if v := reflect.ValueOf(e).Field(f.index); len(f.oneof) > 0 && !v.IsZero() {
			d.check(f, v, f.key)
		}
	}
	p := (&resolver{decoder: d}).profile("", &e)
	if len(d.faults) > 0 {
		return nil, d.faults
	}
	if err := p.open(&d.places, "secret", env); err != nil {
		return nil, err
	}
	return &p, nil
}

// Names returns the names of the profiles in the order of the file.
func (p *Profiles) Names() []string {
	names := make([]string, len(p.list))
	for i := range p.list {
		names[i] = p.list[i].Name
	}
	return names
}

// Choose returns a profile by its name; empty is the default one. The environment
// variable of this profile must be set, those of others need not. Errors are a
// Faults, or say which profiles there are.
func (p *Profiles) Choose(name string, env func(string) (string, bool)) (*Profile, error) {
	if name == "" {
		name = p.preset
	}
	if name == "" && len(p.list) == 1 {
		name = p.list[0].Name
	}
	i := slices.IndexFunc(p.list, func(one Profile) bool { return one.Name == name })
	if i < 0 {
		err := fmt.Errorf("%s has no profile %s; it has %s", p.file, quote(name), strings.Join(p.Names(), ", "))
		if name == "" {
			err = fmt.Errorf("%s has several profiles and no default: choose %s", p.file, strings.Join(p.Names(), ", "))
		}
		return nil, err
	}
	chosen := p.list[i]
	if err := chosen.open(&p.places, join(join("profiles", name), "secret"), env); err != nil {
		return nil, err
	}
	return &chosen, nil
}

// open reads the secret's environment variable.
func (p *Profile) open(at *places, path string, env func(string) (string, bool)) error {
	if p.Variable == "" {
		return nil
	}
	value, _ := env(p.Variable)
	if value == "" {
		return Faults{at.fault(path, "the environment variable "+p.Variable+" is not set", "set it to the client's secret")}
	}
	p.Secret = secret.Of(value)
	return nil
}

// profile resolves one profile, and reports what does not go together.
func (r *resolver) profile(path string, v *ProfileEntry) Profile {
	p := Profile{
		Issuer: v.Issuer, TokenURL: v.TokenURL, AuthorizationURL: v.AuthorizationURL, ClientID: v.ClientID,
		Variable: string(v.Secret), SecretFile: v.SecretFile, Auth: v.Auth, Scopes: v.Scopes, Audience: v.Audience, Resources: v.Resources,
		Params: values(v.Params), SignInParams: values(v.SignInParams), RedirectURI: v.RedirectURI,
	}
	hasSecret := v.Secret != "" || v.SecretFile != ""
	p.People = v.Grant == "authorization_code" || v.Grant == "" && !hasSecret
	before := len(r.faults)
	for _, one := range []struct{ key, text string }{{"issuer", v.Issuer}, {"token_url", v.TokenURL}, {"authorization_url", v.AuthorizationURL}} {
		r.remote(join(path, one.key), one.text)
	}
	switch {
	case len(r.faults) > before || r.reportedBelow(path):
	case v.Issuer == "" && v.TokenURL == "":
		r.report(path, "nobody is named to ask for tokens", "write issuer, or token_url")
	case v.Secret != "" && v.SecretFile != "":
		r.report(join(path, "secret_file"), "the profile has a secret already", "give secret or secret_file")
	case !p.People && !hasSecret:
		r.report(path, "a client that asks for itself needs a secret", "write secret: ${NAME} or secret_file")
	case p.People && v.Issuer == "" && v.AuthorizationURL == "":
		r.report(path, "nobody is named where people sign in", "write issuer, or authorization_url")
	case !hasSecret && v.Auth != "" && v.Auth != "none" && v.Auth != "json":
		r.report(join(path, "auth"), quote(v.Auth)+" needs a secret", "write secret: ${NAME} or secret_file, or leave auth away")
	}
	if problem, hint := checkLoopback(v.RedirectURI); problem != "" {
		r.report(join(path, "redirect_uri"), problem, hint)
	}
	for i, text := range v.APIs {
		at := index(join(path, "apis"), i)
		if !r.remote(at, text) {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || strings.Contains(text, "?") {
			r.report(at, quote(text)+" is more than an origin", "write https://host or https://host:port")
			continue
		}
		p.APIs = append(p.APIs, APIOrigin(u))
	}
	return p
}

// reportedBelow reports whether the decoder has a fault within the path.
func (r *resolver) reportedBelow(path string) bool {
	return slices.ContainsFunc(r.faults, func(f Fault) bool { return path == "" || f.Path == path || strings.HasPrefix(f.Path, path+".") })
}

func values(named Named[string]) url.Values {
	all := url.Values{}
	for _, e := range named {
		all.Set(e.Key, e.Value)
	}
	return all
}

// checkLoopback holds a redirect URI to what a command can answer itself
// (RFC 8252 §7.3; localhost for servers that know no other).
func checkLoopback(text string) (problem, hint string) {
	if text == "" {
		return "", ""
	}
	if problem, hint = wire.CheckRedirect(text, true); problem != "" {
		return problem, hint
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || !slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname()) {
		return quote(text) + " is not on this machine", "write http://127.0.0.1/callback, and the port where the server wants one"
	}
	return "", ""
}

// APIOrigin returns scheme, host and port of a URL as they are compared: in lower
// case, without the port that the scheme has anyway.
func APIOrigin(u *url.URL) string {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if port == "443" && scheme == "https" || port == "80" && scheme == "http" {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return scheme + "://" + host
}
