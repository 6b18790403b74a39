package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Bean;
import org.springframework.http.HttpMethod;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.security.config.annotation.method.configuration.EnableMethodSecurity;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT, properties = {
    "goptri.issuer=" + Tokens.ISSUER, "goptri.audience=" + Tokens.AUDIENCE,
    "goptri.access-token-secret=" + Tokens.SECRET, "goptri.feed-secret=" + Tokens.FEED_SECRET,
    "goptri.cors-origins=https://app.example", "server.max-http-request-header-size=24KB"})
class WebTest {
    private static FakeAuthServer server;
    private static FakeAuthServer.Stream stream;

    @Autowired
    private Goptri goptri;

    @LocalServerPort
    private int port;

    private final HttpClient client = HttpClient.newHttpClient();

    @EnableMethodSecurity
    @SpringBootApplication
    @RestController
    static class Service {
        @Bean
        SecurityFilterChain chain(HttpSecurity http, GoptriSecurity goptri) throws Exception {
            return goptri.protect(http).authorizeHttpRequests(requests -> requests
                .requestMatchers(HttpMethod.GET, "/write").hasAuthority("SCOPE_photos:write")
                .requestMatchers(HttpMethod.GET, "/print").hasAuthority("SCOPE_photos:print")
                .requestMatchers(HttpMethod.GET, "/owner").hasRole("owner")
                .anyRequest().authenticated()).build();
        }

        @GetMapping({"/things", "/write", "/print", "/owner"})
        Map<String, Object> things(@AuthenticationPrincipal Caller caller) {
            return Map.of("sub", caller.subject());
        }

        @PostMapping("/things")
        String add(@AuthenticationPrincipal Caller caller) {
            return caller.subject();
        }

        @GetMapping("/method")
        @PreAuthorize("hasAuthority('SCOPE_photos:print')")
        public String method() {
            return "printed";
        }
    }

    @DynamicPropertySource
    static void url(DynamicPropertyRegistry registry) throws IOException {
        server = new FakeAuthServer();
        registry.add("goptri.auth-server-url", server::url);
    }

    @BeforeEach
    void catchUp() throws IOException, InterruptedException {
        if (stream == null) {
            stream = server.nextStream();
            stream.start(FakeAuthServer.CAUGHT_UP);
        }
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    private HttpResponse<String> send(String method, String path, String... headers) throws Exception {
        while (!goptri.isReady()) {
            Thread.sleep(2);
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            for (int i = 0; i < headers.length; i += 2) {
                request.header(headers[i], headers[i + 1]);
            }
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static void assertError(HttpResponse<String> response, int status, String code, String challenge) {
        assertThat(response.body()).startsWith("{\"error\":\"" + code + "\",\"error_description\":\"");
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(response.headers().firstValue("WWW-Authenticate").orElse(null)).isEqualTo(challenge);
        assertThat(response.headers().allValues("Content-Type")).containsExactly("application/json");
        assertThat(response.headers().firstValue("Set-Cookie")).isEmpty();
    }

    @Test
    void a_token_in_the_only_header_is_accepted() throws Exception {
        for (String value : new String[] {"Bearer " + Tokens.valid(), "bEARER   " + Tokens.valid() + "  "}) {
            HttpResponse<String> response = send("GET", "/things", "Authorization", value);
            assertThat(response.statusCode()).isEqualTo(200);
            assertThat(response.headers().allValues("Vary")).doesNotContain("Sec-Fetch-Site, Origin, Cookie");
        }
        assertThat(send("POST", "/things", "Authorization", "Bearer " + Tokens.valid()).statusCode()).isEqualTo(200);
        assertThat(send("GET", "/nowhere", "Authorization", "Bearer " + Tokens.valid()).statusCode()).isEqualTo(404);
        long now = System.currentTimeMillis() / 1000;
        Map<String, Object> claims = Tokens.claims(now);
        claims.put("padding", "a".repeat(5_680));
        String longest = Tokens.sign(Tokens.header(), Tokens.json(claims));
        assertThat(longest.length()).isBetween(8_000, 8_192);
        assertThat(send("GET", "/things", "Authorization", "Bearer " + longest).statusCode()).isEqualTo(200);
    }

    @Test
    void requests_without_a_usable_token_get_401(CapturedOutput output) throws Exception {
        assertError(send("GET", "/things"), 401, "missing_token", "Bearer");
        assertError(send("GET", "/nowhere"), 401, "missing_token", "Bearer");
        assertError(send("GET", "/things?access_token=" + Tokens.valid()), 401, "missing_token", "Bearer");
        for (String other : new String[] {"Basic YTpi", "Digest x", "Bearera.b.c", ""}) {
            assertError(send("GET", "/things", "Authorization", other), 401, "missing_token", "Bearer");
        }
        String tampered = Tokens.valid() + "x";
        for (String invalid : new String[] {"Bearer", "Bearer ", "Bearer a.b.c", "Bearer " + tampered, "Bearer a b"}) {
            HttpResponse<String> response = send("GET", "/things", "Authorization", invalid);
            assertError(response, 401, "invalid_token", "Bearer error=\"invalid_token\"");
        }
        assertThat(output.getAll()).contains("access token rejected: it is not strict base64")
            .doesNotContain(tampered.substring(0, 200));
    }

    @Test
    void two_headers_are_refused() throws Exception {
        String value = "Bearer " + Tokens.valid();
        for (String[] two : new String[][] {{value, value}, {"", "Basic x"}}) {
            HttpResponse<String> response = send("GET", "/things", "Authorization", two[0], "Authorization", two[1]);
            assertError(response, 400, "invalid_request", null);
        }
    }

    @Test
    void the_session_cookie_carries_a_token() throws Exception {
        String cookie = "a=b; __Host-session=" + Tokens.cookie(Tokens.valid());
        HttpResponse<String> response = send("GET", "/things", "Cookie", cookie);
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().allValues("Cache-Control")).containsExactly("private, no-store");
        assertThat(response.headers().allValues("Vary")).contains("Sec-Fetch-Site, Origin, Cookie");
        assertThat(send("GET", "/things").headers().allValues("Vary")).contains("Sec-Fetch-Site, Origin, Cookie");
        for (String ignored : new String[] {"session=", "__host-session=", "x__Host-session="}) {
            assertError(send("GET", "/things", "Cookie", ignored + Tokens.cookie(Tokens.valid())), 401, "missing_token",
                "Bearer");
        }
        String unpadded = Tokens.cookie(Tokens.valid()).replaceAll("=+$", "");
        for (String invalid : new String[] {Tokens.cookie("a.b.c") + "; __Host-session=x", "",
            unpadded + (unpadded.length() % 4 == 0 ? "=" : ""), Tokens.valid(), Tokens.cookie(""),
            Tokens.cookie("a".repeat(4_000)), "\"" + Tokens.cookie("a.b.c") + "\""}) {
            HttpResponse<String> refused = send("GET", "/things", "Cookie", "__Host-session=" + invalid);
            assertError(refused, 401, "invalid_token", "Bearer error=\"invalid_token\"");
            assertThat(refused.headers().allValues("Cache-Control")).containsExactly("private, no-store");
        }
        assertError(send("GET", "/things", "Cookie", cookie, "Authorization", "Basic x"), 401, "missing_token",
            "Bearer");
        assertError(send("GET", "/things", "Cookie", cookie, "Authorization", "Bearer null"), 401, "invalid_token",
            "Bearer error=\"invalid_token\"");
    }

    @Test
    void a_foreign_page_cannot_use_the_cookie() throws Exception {
        String valid = "__Host-session=" + Tokens.cookie(Tokens.valid());
        for (String cookie : new String[] {valid, "__Host-session=nonsense"}) {
            assertError(send("POST", "/things", "Cookie", cookie), 403, "cross_site_request", null);
            assertError(send("POST", "/things", "Cookie", cookie, "Sec-Fetch-Site", "same-site", "Origin", "null"), 403,
                "cross_site_request", null);
            assertError(send("POST", "/things", "Cookie", cookie, "Origin", "https://app.example/"), 403,
                "cross_site_request", null);
            assertError(send("DELETE", "/things", "Cookie", cookie, "Origin", "https://app.example", "Origin",
                "https://app.example"), 403, "cross_site_request", null);
        }
        for (String origin : new String[] {"https://app.example", Tokens.ISSUER, Tokens.AUDIENCE}) {
            assertThat(send("POST", "/things", "Cookie", valid, "Origin", origin).statusCode()).isEqualTo(200);
        }
        for (String site : new String[] {"same-origin", "none"}) {
            assertThat(send("POST", "/things", "Cookie", valid, "Sec-Fetch-Site", site).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void a_route_needs_its_scope_or_role() throws Exception {
        String value = "Bearer " + Tokens.valid();
        assertThat(send("GET", "/write", "Authorization", value).statusCode()).isEqualTo(200);
        String challenge = "Bearer error=\"insufficient_scope\", scope=\"photos:print\"";
        assertError(send("GET", "/print", "Authorization", value), 403, "insufficient_scope", challenge);
        assertError(send("GET", "/method", "Authorization", value), 403, "insufficient_scope", challenge);
        assertError(send("GET", "/owner", "Authorization", value), 403, "insufficient_scope",
            "Bearer error=\"insufficient_scope\"");
    }

    @Test
    void a_revoked_session_gets_401() throws Exception {
        Map<String, Object> claims = Tokens.claims(System.currentTimeMillis() / 1000);
        claims.put("sid", "another session");
        String value = "Bearer " + Tokens.sign(Tokens.header(), Tokens.json(claims));
        assertThat(send("GET", "/things", "Authorization", value).statusCode()).isEqualTo(200);
        stream.send(FakeAuthServer.revoked("session", "another session", 1));
        while (goptri.revocations().size() == 0) {
            Thread.sleep(2);
        }
        HttpResponse<String> refused = send("GET", "/things", "Authorization", value);
        assertError(refused, 401, "invalid_token", "Bearer error=\"invalid_token\"");
    }
}
