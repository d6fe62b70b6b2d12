import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.util.regex.Pattern;

/**
 * A token, calls with it, and its renewal, with Java's own HTTP client (Java 17 or later):
 *
 * <pre>
 * java Recipe.java call    one call
 * java Recipe.java job     a scheduled job: one batch, and a status for the scheduler
 * java Recipe.java sync    a data sync: page after page with one token
 * </pre>
 *
 * TOKEN_URL, API_URL, CLIENT_ID, CLIENT_SECRET and, where it is needed, SCOPE come from the environment. Java brings no
 * JSON; {@link #member} reads what is needed here, and is to be replaced by the library that a program has.
 */
public class Recipe {
    /** A person has to mend something. */
    static class Stop extends RuntimeException {
        Stop(String message) { super(message); }
    }

    /** It is nobody's fault; come back. */
    static class Later extends RuntimeException {
        Later(String message) { super(message); }
    }

    /** One token for all threads: one of them asks, the others wait for it. */
    static class Tokens {
        private String value;
        private long renewAt; // System.nanoTime

        /** Returns one that lives, and is not the one that the API called bad. */
        synchronized String get(String bad) {
            if (value == null || value.equals(bad) || System.nanoTime() - renewAt >= 0) {
                long began = System.nanoTime();
                String answer = ask();
                String lives = member(answer, "expires_in");
                value = member(answer, "access_token");
                boolean said = lives != null && lives.matches("[0-9]+(\\.[0-9]+)?");
                renewAt = began + (long) ((said ? Double.parseDouble(lives) : 300) * 0.8e9); // a fifth is left then
            }
            return value;
        }

        private static String ask() {
            String form = "grant_type=client_credentials&client_id=" + encoded("CLIENT_ID") + "&client_secret=" + encoded("CLIENT_SECRET");
            if (System.getenv("SCOPE") != null) {
                form += "&scope=" + encoded("SCOPE");
            }
            HttpResponse<String> response = send(HttpRequest.newBuilder(URI.create(System.getenv("TOKEN_URL")))
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(HttpRequest.BodyPublishers.ofString(form)));
            String answer = response.body();
            if (response.statusCode() != 200 || member(answer, "access_token") == null) {
                throw new Stop("no token: status " + response.statusCode() + ", " + member(answer, "error") + ": " + member(answer, "error_description"));
            }
            return answer;
        }

        private static String encoded(String variable) {
            return URLEncoder.encode(System.getenv(variable), StandardCharsets.UTF_8);
        }
    }

    static final Tokens tokens = new Tokens();
    // It follows no redirects unless it is told to, so that secret and token go where they were sent.
    static final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    /** Makes a call, whose body may be null, and returns its answer. */
    static String api(String method, String path, String body) {
        String used = tokens.get(null);
        HttpResponse<String> response = call(method, path, body, used);
        if (response.statusCode() == 401) { // the token is bad: another one, once. A 403 is not about the token
            response = call(method, path, body, tokens.get(used));
        }
        if (response.statusCode() / 100 != 2) {
            throw new Stop(method + " " + path + ": status " + response.statusCode());
        }
        return response.body();
    }

    static HttpResponse<String> call(String method, String path, String body, String token) {
        return send(HttpRequest.newBuilder(URI.create(System.getenv("API_URL") + path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body)));
    }

    static HttpResponse<String> send(HttpRequest.Builder builder) {
        HttpRequest request = builder.timeout(Duration.ofSeconds(30)).build();
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() == 429 || response.statusCode() >= 500) {
                throw new Later(request.uri() + " is busy (" + response.statusCode() + "), for "
                        + response.headers().firstValue("Retry-After").orElse("some") + " seconds");
            }
            return response;
        } catch (IOException e) {
            throw new Later(request.uri() + " does not answer: " + e);
        } catch (InterruptedException e) {
            throw new Later("interrupted");
        }
    }

    static String member(String json, String name) {
        var found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}]*)").matcher(json);
        return found.find() ? found.group(1).strip() : null;
    }

    static void job() {
        String measured = "{\"account_id\":\"account-001\",\"measured_on\":\"" + LocalDate.now() + "\",\"weight_kg\":70.5}";
        System.out.println("stored " + member(api("POST", "/biometrics", measured), "id"));
    }

    static void sync() {
        for (int offset = 0, total = 1; offset < total; offset += 50) {
            String page = api("GET", "/moves?limit=50&offset=" + offset, null);
            System.out.println(page);
            total = Integer.parseInt(member(page, "total"));
        }
    }

    public static void main(String[] args) {
        try {
            switch (args.length == 1 ? args[0] : "") {
                case "call" -> System.out.println(api("GET", "/moves?limit=1", null));
                case "job" -> job();
                case "sync" -> sync();
                default -> throw new Stop("say call, job or sync");
            }
        } catch (Stop | Later e) {
            System.err.println("recipe: " + e.getMessage());
            System.exit(e instanceof Later ? 75 : 1); // 75 is EX_TEMPFAIL: the scheduler comes back
        }
    }
}
