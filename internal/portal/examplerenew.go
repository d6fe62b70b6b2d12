package portal

import "strings"

// renewing are programs that keep a token in memory, renew it a minute early, and
// repeat a call once after a 401: asking asks for the token, call is the call.
func renewing(asking, call *Request) []Variant {
	all := []Variant{
		{Language: "js", Key: "javascript", Label: "JavaScript", File: "renew.mjs", Command: "node renew.mjs", Text: renewingJavaScript(asking, call)},
		{Language: "python", Key: "python", Label: "Python", File: "renew.py", Command: "python3 renew.py", Text: renewingPython(asking, call)},
	}
	all = append(all, Variant{Language: "java", Key: "java", Label: "Java", File: "Renew.java", Command: "java Renew.java", Text: renewingJava(asking, call)})
	if program := call.packaged(); program != "" {
		all = append(all, Variant{Language: "go", Key: "grantway", Label: "Go, with a cache", File: "renew.go", Command: "go run renew.go", Text: program})
	}
	return all
}

func renewingJavaScript(asking, call *Request) string {
	return `let token, end = 0, underWay; // end in milliseconds

async function renew() {
  const response = await ` + indent(asking.fetch(), "  ") + `;
  const answer = await response.text();
  if (!response.ok) throw new Error(` + "`token: ${response.status} ${answer}`" + `);
  const { access_token, expires_in } = JSON.parse(answer);
  end = Date.now() + expires_in * 1000;
  return token = access_token;
}

// A minute early, and once for all who wait.
async function current() {
  if (Date.now() < end - 60_000) return token;
  underWay ??= renew().finally(() => { underWay = undefined; });
  return underWay;
}

async function call(url) {
  const used = await current();
  const send = (bearer) => fetch(url, { headers: { Authorization: ` + "`Bearer ${bearer}`" + ` } });
  const response = await send(used);
  if (response.status !== 401) return response;
  if (used === token) end = 0; // nobody has renewed it meanwhile
  return send(await current()); // once, and no more
}

const response = await call(` + encoded(call.URL) + `);
const answer = await response.text();
if (!response.ok) throw new Error(` + "`${response.status} ${answer}`" + `);
console.log(answer);
`
}

func renewingPython(asking, call *Request) string {
	imports := "import json\nimport os\nimport threading\nimport time\nimport urllib.error\n"
	if !asking.JSON {
		imports += "import urllib.parse\n"
	}
	return imports + `import urllib.request

lock = threading.Lock()
token, end = None, 0.0


def current(bad=None):
    """The token, renewed a minute early, once for all who wait."""
    global token, end
    with lock:
        if token != bad and time.monotonic() < end - 60:
            return token
        ` + indent(strings.TrimRight(asking.pythonRequest(), "\n"), "        ") + `
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
        token, end = answer["access_token"], time.monotonic() + answer["expires_in"]
        return token


def send(url, bearer):
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + bearer})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()


def call(url):
    used = current()
    try:
        return send(url, used)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
    return send(url, current(bad=used))  # once, and no more


print(call(` + encoded(call.URL) + `))
`
}

// renewingJava is for Java 17 and later, whose library reads no JSON.
func renewingJava(asking, call *Request) string {
	form, standard, encode := !asking.JSON, "", ""
	imports := "import java.net.URI;\n"
	if form {
		imports += "import java.net.URLEncoder;\n"
		standard = "import java.nio.charset.StandardCharsets;\n"
		encode = `
    static String encode(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }
`
	}
	return imports + "import java.net.http.HttpClient;\nimport java.net.http.HttpRequest;\nimport java.net.http.HttpResponse;\n" + standard +
		`import java.time.Duration;
import java.util.regex.Pattern;

public class Renew {
    static final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    static String token;
    static long end; // System.nanoTime

    // A minute early, and once for all who wait.
    static synchronized String current(String bad) throws Exception {
        if (token != null && !token.equals(bad) && System.nanoTime() - end < -60_000_000_000L) {
            return token;
        }
        String body = ` + asking.javaBody() + `;
        HttpResponse<String> response = send(HttpRequest.newBuilder(URI.create(` + encoded(asking.URL) + `))
            .header("Content-Type", ` + encoded(asking.mediaType()) + `)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
        if (response.statusCode() != 200) {
            throw new IllegalStateException("token: " + response.statusCode() + " " + response.body());
        }
        end = System.nanoTime() + Long.parseLong(member(response.body(), "expires_in")) * 1_000_000_000L;
        return token = member(response.body(), "access_token");
    }

    static HttpResponse<String> call(String url) throws Exception {
        String used = current(null);
        HttpResponse<String> response = get(url, used);
        return response.statusCode() == 401 ? get(url, current(used)) : response; // once, and no more
    }

    static HttpResponse<String> get(String url, String bearer) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + bearer));
    }

    static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return http.send(request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
    }
` + encode + `
    // Enough for this answer; for others, take the JSON library that you have.
    static String member(String json, String name) {
        var found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}\\s]+)").matcher(json);
        if (!found.find()) {
            throw new IllegalStateException("the answer has no " + name);
        }
        return found.group(1);
    }

    public static void main(String[] args) throws Exception {
        HttpResponse<String> response = call(` + encoded(call.URL) + `);
        if (response.statusCode() / 100 != 2) {
            throw new IllegalStateException(response.statusCode() + " " + response.body());
        }
        System.out.println(response.body());
    }
}
`
}

// indent is a text whose lines but the first stand further to the right.
func indent(s, by string) string { return strings.ReplaceAll(s, "\n", "\n"+by) }
