package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// golang writes the request for Go's own library.
func (r *Request) golang() string {
	imports := []string{"fmt", "io", "log", "net/http"}
	var build strings.Builder
	body := "nil"
	switch {
	case r.JSON:
		imports = append(imports, "bytes", "encoding/json", "os")
		build.WriteString("\tbody, err := json.Marshal(map[string]string{\n")
		r.goFields(&build, "%q: %s,\n")
		build.WriteString("\t})\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n")
		body = "bytes.NewReader(body)"
	case len(r.Fields) > 0:
		imports = append(imports, "net/url", "os", "strings")
		build.WriteString("\tform := url.Values{\n")
		r.goFields(&build, "%q: {%s},\n")
		build.WriteString("\t}\n")
		body = "strings.NewReader(form.Encode())"
	}
	if r.Token {
		imports = append(imports, "os")
	}
	fmt.Fprintf(&build, "\trequest, err := http.NewRequest(%q, %q, %s)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", r.Method, r.URL, body)
	if r.Token {
		build.WriteString("\trequest.Header.Set(\"Authorization\", \"Bearer \"+os.Getenv(\"ACCESS_TOKEN\"))\n")
	}
	if body != "nil" {
		fmt.Fprintf(&build, "\trequest.Header.Set(\"Content-Type\", %q)\n", r.mediaType())
	}
	return goProgram(imports, build.String()+`	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		log.Fatal(response.Status, " ", string(answer), err)
	}
	fmt.Println(string(answer))
`)
}

// goFields writes the fields as gofmt aligns them.
func (r *Request) goFields(b *strings.Builder, format string) {
	longest := 0
	for _, f := range r.Fields {
		longest = max(longest, len(f.Name))
	}
	for _, f := range r.Fields {
		value := fmt.Sprintf("%q", f.Value)
		if f.Variable != "" {
			value = fmt.Sprintf("os.Getenv(%q)", f.Variable)
		}
		said := fmt.Sprintf(format, f.Name, value)
		name, rest, _ := strings.Cut(said, ": ")
		b.WriteString("\t\t" + name + ": " + strings.Repeat(" ", longest-len(f.Name)) + rest)
	}
}

// goProgram is a program of one function.
func goProgram(imports []string, body string) string {
	slices.Sort(imports)
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	foreign := ""
	for _, i := range slices.Compact(imports) {
		if strings.Contains(i, ".") {
			foreign += fmt.Sprintf("\t%q\n", i)
			continue
		}
		fmt.Fprintf(&b, "\t%q\n", i)
	}
	if foreign != "" {
		b.WriteString("\n" + foreign)
	}
	return b.String() + ")\n\nfunc main() {\n" + body + "}\n"
}

// packaged writes the request with package client, which asks for the token
// itself, keeps it, and renews it. Empty: the package is no help there.
func (r *Request) packaged() string {
	if !r.Token || r.tokens == nil || r.Method != http.MethodGet {
		return ""
	}
	t := r.tokens
	target := ""
	if t.audience != "" {
		target = fmt.Sprintf("\t\tTarget:   client.Target{Audience: %q},\n", t.audience)
	}
	return goProgram([]string{"context", "fmt", "io", "log", "net/http", "os", "github.com/grantway/grantway/client"}, fmt.Sprintf(`	c, err := client.New(client.Config{
		TokenURL: %q,
		ClientID: os.Getenv("CLIENT_ID"),
		Secret:   client.Static(os.Getenv("CLIENT_SECRET")),
%s	})
	if err != nil {
		log.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), %q, %q, nil)
	if err != nil {
		log.Fatal(err)
	}
	response, err := c.HTTP().Do(request) // fetches the token, keeps it, renews it in time
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		log.Fatal(response.Status, " ", string(answer), err)
	}
	fmt.Println(string(answer))
`, t.url, target, r.Method, r.URL))
}
