package portal

import (
	"fmt"
	"net/http"
	"strings"
)

// javascript writes the request for Node's fetch.
func (r *Request) javascript() string {
	return "const response = await " + r.fetch() + ";\nconst answer = await response.text();\n" +
		"if (!response.ok) throw new Error(`${response.status} ${answer}`);\nconsole.log(answer);\n"
}

// fetch is the request as an expression of JavaScript.
func (r *Request) fetch() string {
	var b strings.Builder
	fmt.Fprintf(&b, "fetch(%s, {\n", encoded(r.URL))
	if r.Method != http.MethodGet {
		fmt.Fprintf(&b, "  method: %q,\n", r.Method)
	}
	var headers []string
	if r.Token {
		headers = append(headers, "Authorization: `Bearer ${process.env.ACCESS_TOKEN}`")
	}
	if r.JSON {
		headers = append(headers, `"Content-Type": "application/json"`)
	}
	if len(headers) > 0 {
		fmt.Fprintf(&b, "  headers: { %s },\n", strings.Join(headers, ", "))
	}
	if len(r.Fields) > 0 {
		open, end := "new URLSearchParams({", "})"
		if r.JSON {
			open = "JSON.stringify({"
		}
		fmt.Fprintf(&b, "  body: %s\n", open)
		for _, f := range r.Fields {
			value := encoded(f.Value)
			if f.Variable != "" {
				value = "process.env." + f.Variable
			}
			fmt.Fprintf(&b, "    %s: %s,\n", f.Name, value)
		}
		fmt.Fprintf(&b, "  %s,\n", end)
	}
	b.WriteString("})")
	return b.String()
}

// python writes the request for Python's own library.
func (r *Request) python() string {
	imports := "import os\nimport urllib.request\n\n"
	switch {
	case r.JSON:
		imports = "import json\n" + imports
	case len(r.Fields) > 0:
		imports = "import os\nimport urllib.parse\nimport urllib.request\n\n"
	}
	return imports + r.pythonRequest() +
		"with urllib.request.urlopen(request) as response:  # raises HTTPError unless it is 2xx\n    print(response.read().decode())\n"
}

// pythonRequest are the lines that make the variable request.
func (r *Request) pythonRequest() string {
	var b strings.Builder
	data := ""
	if len(r.Fields) > 0 {
		b.WriteString("fields = {\n")
		for _, f := range r.Fields {
			value := encoded(f.Value)
			if f.Variable != "" {
				value = fmt.Sprintf("os.environ[%q]", f.Variable)
			}
			fmt.Fprintf(&b, "    %q: %s,\n", f.Name, value)
		}
		b.WriteString("}\n")
		data = "urllib.parse.urlencode(fields).encode()"
		if r.JSON {
			data = "json.dumps(fields).encode()"
		}
	}
	fmt.Fprintf(&b, "request = urllib.request.Request(\n    %s,\n", encoded(r.URL))
	if data != "" {
		fmt.Fprintf(&b, "    data=%s,\n", data)
	}
	var headers []string
	if r.Token {
		headers = append(headers, `"Authorization": "Bearer " + os.environ["ACCESS_TOKEN"]`)
	}
	if data != "" {
		headers = append(headers, fmt.Sprintf(`"Content-Type": %q`, r.mediaType()))
	}
	if len(headers) > 0 {
		fmt.Fprintf(&b, "    headers={%s},\n", strings.Join(headers, ", "))
	}
	fmt.Fprintf(&b, "    method=%q,\n)\n", r.Method)
	return b.String()
}

// java writes the request as a program of one file, for Java 17 and later.
func (r *Request) java(class string) string {
	var b strings.Builder
	b.WriteString("import java.net.URI;\n")
	form := len(r.Fields) > 0 && !r.JSON
	if form {
		b.WriteString("import java.net.URLEncoder;\n")
	}
	b.WriteString("import java.net.http.HttpClient;\nimport java.net.http.HttpRequest;\nimport java.net.http.HttpResponse;\n")
	if form {
		b.WriteString("import java.nio.charset.StandardCharsets;\n")
	}
	fmt.Fprintf(&b, "\npublic class %s {\n    public static void main(String[] args) throws Exception {\n", class)
	publisher := "HttpRequest.BodyPublishers.noBody()"
	if body := r.javaBody(); body != "" {
		b.WriteString("        String body = " + body + ";\n")
		publisher = "HttpRequest.BodyPublishers.ofString(body)"
	}
	fmt.Fprintf(&b, "        HttpRequest request = HttpRequest.newBuilder(URI.create(%s))\n", encoded(r.URL))
	if r.Token {
		b.WriteString("            .header(\"Authorization\", \"Bearer \" + System.getenv(\"ACCESS_TOKEN\"))\n")
	}
	if publisher != "HttpRequest.BodyPublishers.noBody()" {
		fmt.Fprintf(&b, "            .header(\"Content-Type\", %q)\n", r.mediaType())
	}
	fmt.Fprintf(&b, "            .method(%q, %s)\n            .build();\n", r.Method, publisher)
	b.WriteString(`        HttpResponse<String> response = HttpClient.newHttpClient()
            .send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() / 100 != 2) {
            throw new IllegalStateException(response.statusCode() + " " + response.body());
        }
        System.out.println(response.body());
    }
`)
	if form {
		b.WriteString("\n    static String encode(String value) {\n        return URLEncoder.encode(value, StandardCharsets.UTF_8);\n    }\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// javaBody is the body as an expression; empty: there is none.
func (r *Request) javaBody() string {
	var b strings.Builder
	for i, f := range r.Fields {
		lead := ""
		if i > 0 {
			lead = "\n            + "
		}
		value := "System.getenv(" + encoded(f.Variable) + ")"
		switch {
		case r.JSON && f.Variable != "":
			open, end := ",", ""
			if i == 0 {
				open = "{"
			}
			if i == len(r.Fields)-1 {
				end = "}"
			}
			fmt.Fprintf(&b, `%s"%s\"%s\":\"" + %s + "\"%s"`, lead, open, f.Name, value, end)
		case r.JSON:
			open, end := ",", ""
			if i == 0 {
				open = "{"
			}
			if i == len(r.Fields)-1 {
				end = "}"
			}
			fmt.Fprintf(&b, "%s%s", lead, encoded(open+encoded(f.Name)+":"+encoded(f.Value)+end))
		default:
			open := "&"
			if i == 0 {
				open = ""
			}
			if f.Variable == "" {
				fmt.Fprintf(&b, `%s"%s%s=" + encode(%s)`, lead, open, f.Name, encoded(f.Value))
			} else {
				fmt.Fprintf(&b, `%s"%s%s=" + encode(%s)`, lead, open, f.Name, value)
			}
		}
	}
	return b.String()
}
