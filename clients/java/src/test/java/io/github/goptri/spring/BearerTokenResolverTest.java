package io.github.goptri.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;

class BearerTokenResolverTest {
    private static final String SPACES = " ".repeat(1_000_000);

    private final GoptriBearerTokenResolver resolver = new GoptriBearerTokenResolver(Tokens.settings());

    private static MockHttpServletRequest request(String name, String value) {
        MockHttpServletRequest request = new MockHttpServletRequest("GET", "/things");
        request.addHeader(name, value);
        return request;
    }

    private static MockHttpServletRequest cookie(String json) {
        String value = Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8));
        return request("Cookie", "__Host-session=" + value);
    }

    private MockHttpServletResponse headers(MockHttpServletRequest request) {
        MockHttpServletResponse response = new MockHttpServletResponse();
        resolver.writeHeaders(request, response);
        return response;
    }

    private void rejected(MockHttpServletRequest request, String reason) {
        assertThatThrownBy(() -> resolver.resolve(request)).isInstanceOfSatisfying(OAuth2AuthenticationException.class,
            error -> assertThat(error.getError().getErrorCode()).isEqualTo("invalid_token"))
            .hasMessageContaining(reason);
    }

    @Test
    void a_megabyte_of_spaces_costs_no_time() {
        assertTimeoutPreemptively(Duration.ofSeconds(3), () -> {
            assertThat(resolver.resolve(request("Authorization", "Bearer" + SPACES + "a.b.c" + SPACES)))
                .isEqualTo("a.b.c");
            assertThat(resolver.resolve(request("Authorization", "Bearer a" + SPACES + "b"))).hasSize(1_000_002);
            rejected(request("Authorization", "Bearer" + SPACES), "empty");
        });
        String session = "__Host-session=" + Tokens.cookie("a.b.c");
        assertTimeoutPreemptively(Duration.ofSeconds(3), () -> {
            for (String blanks : List.of(SPACES, "\t".repeat(1_000_000))) {
                assertThat(resolver.resolve(request("Cookie", "a" + blanks + "b;" + blanks + session + blanks)))
                    .isEqualTo("a.b.c");
                rejected(request("Cookie", session + blanks + "x"), "too long");
                assertThat(headers(request("Cookie", "a" + blanks + "b")).getHeader("Cache-Control")).isNull();
            }
        });
    }

    @Test
    void only_spaces_and_tabs_are_trimmed_from_the_name_of_a_cookie() {
        String session = "__Host-session=" + Tokens.cookie("a.b.c");
        assertThat(resolver.resolve(request("Cookie", "a=b; \t" + session))).isEqualTo("a.b.c");
        for (String other : List.of("\u000b", "\f", "\u001c", "\u00a0", "\u2003", "x")) {
            assertThat(resolver.resolve(request("Cookie", "a=b;" + other + session))).isNull();
        }
        rejected(request("Cookie", session + "; " + session), "two session cookies");
    }

    @Test
    void an_unsafe_request_with_a_cookie_needs_an_allowed_page() {
        String cookie = "__Host-session=" + Tokens.cookie("a.b.c");
        for (String[] headers : new String[][] {{}, {"Origin", ""}, {"Sec-Fetch-Site", ""}, {"Origin", "null"}}) {
            MockHttpServletRequest request = request("Cookie", cookie);
            request.setMethod("POST");
            if (headers.length > 0) {
                request.addHeader(headers[0], headers[1]);
            }
            assertThatThrownBy(() -> resolver.resolve(request)).as(String.join(": ", headers))
                .hasMessageContaining("foreign page");
        }
    }

    @Test
    void a_get_that_opens_a_web_socket_is_not_safe() {
        MockHttpServletRequest request = request("Cookie", "__Host-session=" + Tokens.cookie("a.b.c"));
        request.addHeader("Origin", "https://evil.example");
        assertThat(resolver.resolve(request)).isEqualTo("a.b.c");
        request.addHeader("Sec-WebSocket-Version", "13");
        assertThatThrownBy(() -> resolver.resolve(request)).hasMessageContaining("foreign page");
        request.addHeader("Sec-Fetch-Site", "same-origin");
        assertThat(resolver.resolve(request)).isEqualTo("a.b.c");
    }

    @Test
    void the_token_in_a_cookie_has_no_escapes() {
        for (String json : List.of("{\"jwt\":\"a.b.c\"}", "{ \"jwt\" : \"a.b.c\" }",
            "{\"views\":[3,{}],\"jwt\":\"a.b.c\",\"user\":{\"jwt\":\"\\u002e\"}}",
            "{\"user\":\"\\u00e9\u00e9\ud83d\ude00\",\"n\":1e3,\"jwt\":\"a.b.c\"}")) {
            assertThat(resolver.resolve(cookie(json))).as(json).isEqualTo("a.b.c");
        }
        for (String json : List.of("{\"jwt\":\"a\\u002eb.c\"}", "{\"jwt\":\"a.b.\\u0063\"}", "{\"jwt\":\"a.b.c\\/\"}",
            "{\"x\":{\"jwt\":\"a.b.c\"}}", "{\"jwt\":7}",
            "{\"jwt\":null}", "{\"jwt\":\" \"}", "{}")) {
            rejected(cookie(json), "its cookie is not base64 of JSON with the member jwt");
        }
    }
}
